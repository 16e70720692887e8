"""Made-up regions, their fields and flares, for tests and demonstrations."""
