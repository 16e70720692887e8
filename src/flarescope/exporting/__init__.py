"""A model as one graph from pixels, or from a field in gauss, to probabilities, for other programs."""
