"""Which readers of other people's forecasts are given hostile files, and with which do they begin?"""

from pathlib import Path

from flarescope.catalog.met_office import read_met_office
from flarescope.catalog.noaa_events import read_flares
from flarescope.catalog.swpc_reports import read_swpc
from flarescope.events import EventDefinition
from flarescope.pipeline.choosing import read_fitted
from flarescope.pipeline.foreign_columns import parse_columns
from flarescope.pipeline.foreign_rows import Reading, read_foreign

from .harness import Target
from .targets_text import texts

MET_OFFICE = "2014 01 01 00 59 60 60 60 60 20 20 20 20\n2014 01 01 13 42 60 60 60 60 20 20 20 20\n"
FLARES = "2014 01 01 1840 1852 1903 M9.9 1936\n2014 01 04 1847 1946 2023 M4.0 NaN\n"
REPORT = """\
:Product: 1027RSGA.txt
:Issued: 2013 Oct 27 2200 UTC
SDF Number 300 Issued at 2200Z on 27 Oct 2013
III.  Event probabilities 28 Oct-30 Oct
Class M    60/55/50
Class X    20/15/10
"""
NETWORK = """\
timestamp,flare_prob,target
/x/2011/01/01/HMI.m2011.01.01_00.00.00.jpg,15,0
/x/20140107_183209_run7.npy,20,1
2014-01-08T18:32:00+02:00,0.5,1
"""
FITTED = """\
{"kind": "flarescope decision", "event": {"threshold": "M1.0", "window_hours": 24.0},
 "threshold": {"threshold": 0.3, "rule": "tss", "value": 0.5, "cost_ratio": null},
 "calibration": {"method": "platt", "slope": 1.5, "intercept": -0.5}, "fitted_on": {"name": "t.csv", "images": 2},
 "marks": {"time": "AAAAAAAAAAABAAAAAAAAAA=="}, "regions": [11158]}
"""


def use_network(path: Path) -> None:
    """Read a table with other names, percent, and times in paths."""
    columns = parse_columns("probability=flare_prob,label=target,time=timestamp")
    read_foreign(path, EventDefinition(), Reading(columns, percent=True))


TARGETS = {
    "met-office": Target("a.txt", texts(MET_OFFICE), read_met_office),
    "met-office-flares": Target("a.txt", texts(FLARES), read_flares),
    "swpc-report": Target("a.txt", texts(REPORT, REPORT * 2), read_swpc),
    "foreign-table": Target("a.csv", texts(NETWORK), use_network),
    "decision": Target("a.json", texts(FITTED), read_fitted),
}
