"""From counts and probabilities to the scores of a forecast."""
