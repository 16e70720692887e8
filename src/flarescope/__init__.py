"""flarescope forecasts solar flares from magnetograms of active regions."""
