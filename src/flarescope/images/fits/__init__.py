"""What is in a FITS file, and is it what was written?"""
