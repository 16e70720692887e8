"""Features of images, computed once and kept."""
