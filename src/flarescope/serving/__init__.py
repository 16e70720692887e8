"""The forecasts of an archive as pages for people and as an API for programs."""
