"""The way of a batch through a CUDA GPU and back."""
