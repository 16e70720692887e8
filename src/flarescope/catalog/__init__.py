"""What was seen, when, and what it did next."""
