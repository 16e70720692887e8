"""The frozen networks, with what belongs to each: preprocessing, weights, width of its features."""
