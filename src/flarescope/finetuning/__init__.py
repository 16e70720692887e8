"""How is a network trained on, beyond its head? Only the pipeline's fine-tuning uses this."""
