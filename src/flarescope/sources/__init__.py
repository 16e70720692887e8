"""What NOAA, JSOC, Dryad and Zenodo serve, under which addresses, and how it is fetched."""
