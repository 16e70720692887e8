"""Which readers of text tables, NOAA's products and archives are given hostile files, and with what do they begin?"""

import io
import json
import shutil
import tarfile
from pathlib import Path

from flarescope.catalog.boucheron import read_image_list, read_table
from flarescope.catalog.noaa_events import read_events, read_flares
from flarescope.catalog.noaa_regions import read_summaries
from flarescope.catalog.region_lists import read_region_list
from flarescope.magnetic.table import COLUMNS, read_features_csv
from flarescope.notes import read_event
from flarescope.pipeline.catalogues.listing import read_catalogue
from flarescope.sources.jsoc_manifest import Manifest
from flarescope.sources.jsoc_orders import Order
from flarescope.sources.unpack import unpack_tar
from flarescope.tables import read_forecasts

from ..noaa_texts import REPORT, SUMMARY
from ..swpc_texts import EDITED, FLARE, REGION
from .harness import Target
from .mutate import fix_tar

NAMES = [
    f"{region}/{region}_hmi.M_720s.20110{month}14_2036{number:02d}_TAI.1.magnetogram_224.png"
    for region in (1158, 1161)
    for month in (2, 3)
    for number in (0, 12)
]
EVENTS = f"""{REPORT}4090 +     B0500  ////      A0520 LEA  3   FLA  N12E33    SF                2290
4100       2350   0004      0010  G15  5   XRA  1-8A      M1.3    5.0E-03
"""
LIST = "2010 11 11,0524,1121,C1.1,\n2010 11 12,0135,1121,C1.0,\n2010 11 12,////,0000,B4.8,\n"
FLARES = "time,flare,noaa_ar,begin,end\n2010-11-11T05:24,C1.1,11121,2010-11-11T05:20,\n2010-11-12T01:35Z,M1.0,1121,,\n"


def texts(*several: str):
    """Give seeds that are texts."""
    return lambda folder: [text.encode() for text in several]


def catalogues(folder: Path) -> list[bytes]:
    """Give a published table, one with a catalogue's columns, and a labels file."""
    published = "filename,class\n" + "".join(f"{name},{number % 2}\n" for number, name in enumerate(NAMES))
    ours = "filename,noaa_ar,time,flare,label,split,lon_deg,lat_deg\n" + "".join(
        f"{name},1{name[:4]},2011-02-14T20:36:00Z,C1.0,1,train,12.5,-20\n" for name in NAMES
    )
    labels = "".join(f"{name.split('/')[1]},{'C4.7' if number % 2 else 0}\n" for number, name in enumerate(NAMES))
    return [published.encode(), ours.encode(), labels.encode()]


def forecasts(folder: Path) -> list[bytes]:
    """Give forecasts by name and by time."""
    named = "filename,label,probability\n" + "".join(f"{name},{i % 2},0.{i}\n" for i, name in enumerate(NAMES))
    timed = "time,noaa_ar,label,probability,flare\n" + "".join(
        f"2011-02-{i + 1:02d}T00:00:00Z,11158,,{i / 10},M1.0\n" for i in range(9)
    )
    return [named.encode(), timed.encode()]


def features(folder: Path) -> list[bytes]:
    """Give a features file in the published form."""
    numbers = ",".join(f"{i}.5e1" for i in range(len(COLUMNS) - 3))
    return ["".join(f"{numbers},{i % 2},{'C1.0' if i % 2 else 0},{name}\n" for i, name in enumerate(NAMES)).encode()]


def read_as_catalogue(path: Path) -> None:
    """Read a table in each of the ways in which labelled tables are read."""
    read_table(path)
    read_catalogue(path)
    read_image_list(path)


def notes(folder: Path) -> list[bytes]:
    """Give the notes that lie beside a table."""
    (folder / "a.csv").write_bytes(catalogues(folder)[0])
    event = '"threshold": "M1.0", "window_hours": 12.0, "latency_hours": 0.0, "scope": "region", "rules": "utc"'
    return [f'{{"event": {{{event}, "flux_scale": null, "flux_w_m2": 1e-05}}, "digest": "sha256:00"}}'.encode()]


def archives(suffix: str, text: str):
    """Give tar archives of a product in every compression, with folders and with long names."""

    def seeds(folder: Path) -> list[bytes]:
        found = []
        for mode, form in (
            ("w", tarfile.USTAR_FORMAT),
            ("w", tarfile.PAX_FORMAT),
            ("w", tarfile.GNU_FORMAT),
            ("w:gz", tarfile.PAX_FORMAT),
            ("w:xz", tarfile.PAX_FORMAT),
            ("w:bz2", tarfile.PAX_FORMAT),
        ):
            stream = io.BytesIO()
            with tarfile.open(fileobj=stream, mode=mode, format=form) as tar:
                for name in ("set", "set/1158", f"set/1158/20100504{suffix}", f"set/20100505{suffix}"):
                    info = tarfile.TarInfo(name)
                    info.mtime = 1.3e9 + 0.25 * (form == tarfile.PAX_FORMAT)
                    if name.endswith(suffix):
                        info.size = len(text)
                        tar.addfile(info, io.BytesIO(text.encode()))
                    else:
                        info.type = tarfile.DIRTYPE
                        tar.addfile(info)
                if form != tarfile.USTAR_FORMAT:
                    info = tarfile.TarInfo("set/" + "long" * 40)
                    tar.addfile(info, io.BytesIO())
            found.append(stream.getvalue())
        return found

    return seeds


def unpack(path: Path) -> None:
    """Unpack an archive beside itself, and remove what came out."""
    folder = path.with_name("unpacked")
    try:
        unpack_tar(path, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        leftover = list(path.parent.glob(".unpacked*"))
        if leftover:
            raise AssertionError(f"left behind: {leftover}")


def manifests(folder: Path) -> list[bytes]:
    """Give the manifest of two orders."""
    path = folder / "made.json"
    path.unlink(missing_ok=True)
    manifest = Manifest.open(path)
    for region in (11158, 11161):
        key = manifest.add(
            Order(region, "hmi.M_720s[2011.02.14_TAI/1d]{magnetogram}", {"t_ref": "2011.02.14", "x": 12.5})
        )
        manifest.place(key, "JSOC_20240101_123")
    manifest.finish(key, ["1161/1161_hmi.fits"])
    return [path.read_bytes()]


def use_manifest(path: Path) -> None:
    """Read a manifest, and go through everything that is asked of it."""
    manifest = Manifest.open(path)
    for key in [*manifest.orders, manifest.add(Order(11170, "hmi.M_720s[]", {"x": 1}))]:
        manifest.state(key), manifest.request_id(key), manifest.files(key)
        manifest.place(key, "JSOC_1")
    Manifest.open(path)


TARGETS = {
    "csv-catalogue": Target("a.csv", catalogues, read_as_catalogue),
    "csv-forecasts": Target("a.csv", forecasts, read_forecasts),
    "csv-features": Target("a.csv", features, read_features_csv),
    "region-list": Target("a.csv", texts("1121\n1158\n11161\n"), read_region_list),
    "flares": Target("a.txt", texts(LIST, FLARES, EVENTS), read_flares),
    "event-report": Target("20150301events.txt", texts(EVENTS), lambda path: read_events([path])),
    "flares-json": Target("a.json", texts(json.dumps([FLARE]), json.dumps([EDITED])), read_flares),
    "regions-json": Target("a.json", texts(json.dumps([REGION])), lambda path: read_summaries([path])),
    "summary": Target("20100621SRS.txt", texts(SUMMARY), lambda path: read_summaries([path])),
    "notes-beside": Target("a.csv.notes.json", notes, lambda path: read_event(path.with_name("a.csv"))),
    "tar-unpack": Target("a.tar", archives("SRS.txt", SUMMARY), unpack, fix_tar),
    "tar-summaries": Target("a.tar", archives("SRS.txt", SUMMARY), lambda path: read_summaries([path]), fix_tar),
    "tar-events": Target("a.tar.gz", archives("events.txt", EVENTS), read_flares, fix_tar),
    "jsoc-manifest": Target("manifest.json", manifests, use_manifest),
}
