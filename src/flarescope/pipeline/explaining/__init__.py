"""From a model and images to maps of where the forecast comes from."""
