"""What do SWPC's JSON files, and a summary with the same rows, look like?"""

import json

REGION = {
    "observed_date": "2026-09-06",
    "region": 4529,
    "latitude": 13,
    "longitude": 63,
    "location": "N13E63",
    "carrington_longitude": 188,
    "old_carrington_longitude": None,
    "area": 70,
    "spot_class": "Hsx",
    "extent": 2,
    "number_spots": 1,
    "mag_class": "A",
    "mag_string": None,
    "status": "f",
    "c_xray_events": 0,
    "first_date": "2026-09-06T07:09:58",
}
"""As the service gave it to others in 2026."""
SRS = """\
:Product: 0907SRS.txt
:Issued: 2026 Sep 07 0030 UTC
# Prepared jointly by the U.S. Dept. of Commerce, NOAA,
Joint USAF/NOAA Solar Region Summary
SRS Number 250 Issued at 0030Z on 07 Sep 2026
Report compiled from data received at SWO on 06 Sep
I.  Regions with Sunspots.  Locations Valid at 06/2400Z
Nmbr Location  Lo  Area  Z   LL   NN Mag Type
4529 N13E63   188  0070 Hsx  02   01 Alpha
4530 S10W20   271  0120 Dai  07   09 Beta-Gamma
IA. H-alpha Plages without Spots.  Locations Valid at 06/2400Z Sep
Nmbr  Location  Lo
II. Regions Due to Return 07 Sep to 09 Sep
Nmbr Lat    Lo
None
"""
FLARE = {
    "time_tag": "2026-09-06T13:51:00Z",
    "satellite": 18,
    "begin_time": "2026-09-06T13:15:00Z",
    "begin_class": "B4.0",
    "max_time": "2026-09-06T13:34:00Z",
    "max_class": "C1.1",
    "max_xrlong": 1.136e-06,
    "end_time": "2026-09-06T13:51:00Z",
    "end_class": "B7.5",
}
EDITED = {
    "begin_datetime": "2024-05-28T06:38:00",
    "max_datetime": "2024-05-28T06:43:00",
    "end_datetime": "2024-05-28T06:48:00",
    "observatory": "G16",
    "quality": "5",
    "type": "XRA",
    "frequency": "1-8A",
    "particulars1": "C4.1",
    "region": 3697,
}


def write(folder, name, value):
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path
