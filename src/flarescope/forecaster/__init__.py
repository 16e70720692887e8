"""A trained model as a file, and the folder of its run."""
