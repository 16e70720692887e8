"""One function a stage of what makes and checks catalogues."""
