"""Is a forecast made from what the services serve, whatever of it is late, missing, cut off or of another day?"""

import json

import numpy as np
import pandas as pd
import pytest

import flarescope
from disks import RADIUS_ARCSEC, write_disk
from fakes import Heard, draw_blank, use_fake_network
from flarescope.cli import main
from flarescope.errors import FlarescopeError, InputError
from flarescope.pipeline.featuring import Compute
from flarescope.pipeline.forecasting import live as stage
from flarescope.pipeline.forecasting.live import forecast_now
from flarescope.sources.addresses import ADDRESSES, Addresses
from flarescope.sources.live import FILES, newest_name
from http_server import Page, serve
from swpc_texts import EDITED, FLARE, REGION, SRS

NOW = pd.Timestamp("2026-09-07T02:10", tz="UTC")
DAI = {"spot_class": "Dai", "location": "S10W20", "latitude": -10, "longitude": -20, "mag_class": "BG", "extent": 7}
SECOND = {**REGION, **DAI, "region": 4530, "carrington_longitude": 271, "area": 120, "number_spots": 9}
YESTERDAY = [{**row, "observed_date": "2026-09-05"} for row in (SECOND,)]
TODAY = {**REGION, "observed_date": "2026-09-07", "region": 4531, "location": "N20E70", "latitude": 20, "longitude": 70}
EVENT = "4080 +     1315   1334      1351  G18  5   XRA  1-8A      C1.1    1.9E-03   4530\n"
NAME = "hmi.M_720s_nrt.20260907_010000_TAI.fits"


def report(day, *events, created="Sep 07 0205"):
    head = f":Product: 202609{day}events.txt\n:Created: 2026 {created} UT\n:Date: 2026 09 {day}\n#Event\n"
    return head + ("".join(events) or "NO EVENT REPORTS.\n")


def pages(server, **other):
    """Put what the services serve on a day; `other` replaces what is at a name, None takes it away."""
    files = {
        "text/srs.txt": SRS,
        "json/solar_regions.json": json.dumps([TODAY, REGION, SECOND, *YESTERDAY]),
        "text/solar-geophysical-event-reports.txt": report("07"),
        "json/edited_events.json": json.dumps([EDITED]),
        "json/goes/primary/xray-flares-7-day.json": json.dumps([FLARE]),
    }
    for path, text in files.items():
        text = other.get(path.split("/")[-1].split(".")[0].replace("-", "_"), text)
        if text is not None:
            server.put(f"/swpc/{path}", text if isinstance(text, Page) else Page(text.encode()))
    for day in ("01", "02", "03", "04", "05"):
        server.put(f"/ncei/solar_event_reports/2026/09/202609{day}events.txt", Page(report(day).encode()))
    server.put("/ncei/solar_event_reports/2026/09/20260906events.txt", Page(report("06", EVENT).encode()))
    here = server.base
    served = {"swpc": f"{here}/swpc", "ncei": f"{here}/ncei", "jsoc_fits": f"{here}/hmi"}
    return Addresses(**served, dryad=here, zenodo=here, jsoc_registration=here)


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Forecast from a server on this computer."""
    monkeypatch.setenv("FLARESCOPE_CACHE", str(tmp_path / "cache"))

    def forecast(image=False, setup=lambda server: None, now=NOW, **other):
        heard = Heard()
        with serve() as server:
            addresses = pages(server, **other)
            setup(server)
            options = {"image": image, "now": now, "addresses": addresses, "backoff_s": 0.0, "reporter": heard}
            options |= {name: other[name] for name in ("models", "out", "compute") if name in other}
            return forecast_now(**options), heard

    return forecast


def test_a_day_is_forecast_from_what_is_served(ask, tmp_path):
    found, heard = ask(out=tmp_path / "out")
    assert found.issued == NOW
    assert found.day == pd.Timestamp("2026-09-07", tz="UTC")
    assert found.regions["noaa_ar"].tolist() == [14529, 14530]
    assert found.regions["longitude_deg"].tolist() == [-63.0, 20.0]
    assert found.regions["flags"].tolist() == ["limb new", ""]  # the history of all three days is known
    assert found.flux_scale == "science"
    assert {one["name"] for one in found.data["flares"]} >= {"events_today.txt", "xray-flares-7-day.json", "events"}
    assert any("14531" in note and "numbered since" in note for note in found.notes)
    assert (tmp_path / "out/inputs/srs.txt").read_text() == SRS
    assert any("22 days of the last 28" in line for line in heard.warnings)


def test_a_flare_of_three_sources_counts_once(ask):
    one, _ = ask()
    none, _ = ask(xray_flares_7_day="[]", edited_events="[]")
    assert one.probabilities["probability"].tolist() == none.probabilities["probability"].tolist()


def test_a_flare_in_progress_counts_as_far_as_it_came(ask):
    lasting = {**FLARE, "begin_time": "2026-09-07T02:00:00Z", "max_time": "2026-09-07T02:05:00Z", "end_time": None}
    found, heard = ask(xray_flares_7_day=json.dumps([FLARE, {**lasting, "max_class": "X2.0"}]))
    assert any("in progress" in line and "X2.0" in line for line in heard.warnings)
    assert found.probability("M1.0", 24) > ask()[0].probability("M1.0", 24)


@pytest.mark.parametrize(
    ("missing", "said"),
    [("srs", "srs.txt could not be fetched"), ("solar_regions", "how the regions changed")],
)
def test_either_list_of_regions_is_enough(ask, missing, said):
    found, heard = ask(**{missing: None})
    assert found.regions["noaa_ar"].tolist() == [14529, 14530]
    assert any(said in line for line in heard.warnings)
    assert any(said in note for note in found.notes)


def test_without_any_list_of_regions_there_is_no_forecast(ask):
    with pytest.raises(FlarescopeError, match="no list of regions could be fetched") as caught:
        ask(srs=None, solar_regions=None)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", ["solar_regions", "srs", "xray_flares_7_day", "edited_events"])
def test_what_is_cut_off_is_told_and_costs_no_other(ask, name):
    files = {"solar_regions": json.dumps([REGION])[:-9], "srs": SRS[:400]}
    found, heard = ask(**{name: files.get(name, json.dumps([FLARE])[:-9])})
    assert found.regions["noaa_ar"].tolist() == [14529, 14530]
    assert any(line.startswith("not used: ") for line in heard.warnings)


def test_a_connection_that_breaks_is_tried_again(ask):
    broken = Page(SRS.encode(), breaks=[100])
    found, heard = ask(srs=broken)
    assert not any("srs.txt could not" in line for line in heard.warnings)
    assert len(found.regions) == 2


def test_yesterdays_summary_is_said_to_be_so(ask):
    now = pd.Timestamp("2026-09-08T13:00", tz="UTC")
    found, _ = ask(solar_regions=json.dumps([REGION, SECOND, *YESTERDAY]), now=now)
    assert found.day == pd.Timestamp("2026-09-07", tz="UTC")
    assert any("newest region summary is of 2026-09-07" in note for note in found.notes)
    with pytest.raises(InputError, match="no region summary of the 72 hours before"):
        ask(solar_regions=None, now=pd.Timestamp("2026-09-12", tz="UTC"))


def test_a_region_in_one_source_and_not_in_the_other_is_told(ask):
    _, heard = ask(solar_regions=json.dumps([REGION, {**SECOND, "region": 4599}]))
    assert any("14599" in line and "regions not there: 14530" in line for line in heard.warnings)


def test_no_flares_at_all_is_said_with_what_it_costs(ask):
    gone = dict.fromkeys(("solar_geophysical_event_reports", "edited_events", "xray_flares_7_day"))
    found, heard = ask(
        setup=lambda server: [server.pages.pop(path) for path in list(server.pages) if "ncei" in path], **gone
    )
    assert all("no-history" in flags for flags in found.regions["flags"])
    assert any("flare history unknown" in line for line in heard.warnings)


def put_disk(tmp_path, taken="2026.09.07_01:00:00_TAI"):
    """Put a small disk, and the text that names it."""
    distance = 696e6 / np.sin(np.radians(4 * RADIUS_ARCSEC / 3600))
    cards = {"CDELT1": 4 * 0.504, "CDELT2": 4 * 0.504, "DSUN_OBS": distance, "T_REC": taken}
    path = write_disk(tmp_path / "disk.fits", **cards)

    def setup(server):
        server.put("/hmi/latest_fits_time", Page(f"20260907  http://elsewhere/{NAME}\n".encode()))
        server.put(f"/hmi/2026/09/07/{NAME}", Page(path.read_bytes()))

    return setup


def test_the_newest_disk_is_drawn_where_it_is_of_the_last_day(ask, tmp_path, monkeypatch):
    use_fake_network(monkeypatch)
    draw_blank(monkeypatch)
    compute = Compute(nan="zero", instrument_ok=True)
    found, _ = ask(image=True, setup=put_disk(tmp_path), compute=compute, out=tmp_path / "out")
    assert found.data["image"][0]["name"] == NAME
    old, heard = ask(image=True, setup=put_disk(tmp_path, "2026.09.01_01:00:00_TAI"), compute=compute)
    assert "image" not in old.data
    assert any("without an image" in line for line in heard.warnings)


def test_without_a_disk_the_forecast_comes_without(ask):
    found, heard = ask(image=True, models=["regions"])
    assert "image" not in found.data
    assert any("HMI's newest disk could not be fetched" in line for line in heard.warnings)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"20260907  http://jsoc.stanford.edu/data/hmi/fits/2026/09/07/{NAME}", NAME),
        ("20260907_010000", NAME),
        ("2026.09.07_01:00:00_TAI", NAME),
    ],
)
def test_the_text_that_names_the_newest_disk_is_read(text, name):
    assert newest_name(text) == (name, "20260907")
    with pytest.raises(ValueError, match="expected the name of a file"):
        newest_name("<html>not found</html>")


def test_every_file_is_at_its_address():
    assert [ADDRESSES.swpc_now(file.path) for file in FILES] == [
        "https://services.swpc.noaa.gov/text/srs.txt",
        "https://services.swpc.noaa.gov/json/solar_regions.json",
        "https://services.swpc.noaa.gov/text/solar-geophysical-event-reports.txt",
        "https://services.swpc.noaa.gov/json/edited_events.json",
        "https://services.swpc.noaa.gov/json/goes/primary/xray-flares-7-day.json",
    ]
    assert ADDRESSES.jsoc_disk(NAME, "20260907") == f"http://jsoc.stanford.edu/data/hmi/fits/2026/09/07/{NAME}"


def test_the_command_takes_no_files_beside(monkeypatch, capsys):
    assert main(["forecast", "--now", "--regions", "x"]) == 2
    assert "--now fetches its own data" in capsys.readouterr().err
    told = {}
    model = flarescope.region_model()

    def fake(**options):
        told.update(options)
        raise InputError(f"asked {model.name}")

    monkeypatch.setattr(stage, "forecast_now", fake)
    assert main(["forecast", "--now", "--no-image"]) == 2
    assert told["image"] is False
