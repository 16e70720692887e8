"""What forecasters and those who use forecasts ask beside the scores: one file a question."""
