"""The 29 magnetic-complexity features of an image, and the linear models on them."""
