"""What is trained on the features: the head, by Adam or L-BFGS."""
