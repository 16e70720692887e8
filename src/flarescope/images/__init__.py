"""From a field in gauss to the network's pixels."""
