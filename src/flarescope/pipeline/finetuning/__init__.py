"""How does a trained head become the beginning of a fine-tuning of its network?"""
