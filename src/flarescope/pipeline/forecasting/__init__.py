"""Forecasts of one moment, for every region on the disk and for the whole disk, and the forms that they take."""
