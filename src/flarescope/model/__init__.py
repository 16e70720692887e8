"""The frozen network, its weights and engines, the feature store, the head and the classifier."""
