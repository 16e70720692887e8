"""Issued forecasts, kept or replayed, against what came."""
