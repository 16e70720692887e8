"""Which readers of Parquet are given hostile files, and with which do they begin?"""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from flarescope.backbones.feature_table import FeatureTable
from flarescope.features.given import GivenFeatures
from flarescope.notes import read_event
from flarescope.parquet_tables import write_parquet
from flarescope.pipeline.catalogues.scanning import scan_images
from flarescope.tables import read_forecasts

from .harness import Target
from .targets_images import pngs
from .targets_text import NAMES, read_as_catalogue

NOTES = {"event": {"threshold": "M1.0", "window_hours": 12.0, "latency_hours": 6.0, "scope": "region"}}


def _parquets(frame: pd.DataFrame, folder: Path) -> list[bytes]:
    """Write a table as the program does, as pandas does with an index, and in other codecs."""
    path, found = folder / "made.parquet", []
    write_parquet(frame, path, notes=NOTES)
    found.append(path.read_bytes())
    frame.set_index(frame.columns[0]).to_parquet(path, compression="gzip")
    found.append(path.read_bytes())
    for options in ({"compression": "zstd", "data_page_version": "2.0"}, {"compression": "none", "version": "1.0"}):
        stream = io.BytesIO()
        pq.write_table(pa.Table.from_pandas(frame), stream, row_group_size=3, **options)
        found.append(stream.getvalue())
    path.unlink()
    return found


def catalogues(folder: Path) -> list[bytes]:
    """Give catalogues."""
    frame = pd.DataFrame({"filename": NAMES, "noaa_ar": 11158, "time": pd.Timestamp("2011-02-14", tz="UTC")})
    frame["noaa_ar"] = [10_000 + int(name[:4]) for name in NAMES]
    frame = frame.assign(flare=[None, "C1.0"] * 4, label=[0, 1] * 4, split=["train", "test"] * 4, window_known=True)
    return _parquets(frame.astype({"noaa_ar": "Int32", "label": "Int8"}), folder)


def forecasts(folder: Path) -> list[bytes]:
    """Give forecasts."""
    frame = pd.DataFrame({"filename": NAMES, "noaa_ar": 11158, "time": pd.Timestamp("2011-02-14", tz="UTC")})
    frame = frame.assign(split="test", label=[0, 1] * 4, probability=[i / 8 for i in range(8)], flare="C1.0")
    return _parquets(frame.astype({"noaa_ar": "Int32", "label": "Int8"}), folder)


def feature_tables(folder: Path) -> list[bytes]:
    """Give features that were made elsewhere."""
    frame = pd.DataFrame({"filename": NAMES, "a": [i / 7 for i in range(8)], "b": range(8)})
    return _parquets(frame, folder)


def use_feature_table(path: Path) -> None:
    """Read features and ask for some."""
    table = FeatureTable(path)
    found = GivenFeatures(table)
    found.build(table.names[:2], path.parent, lambda: None)
    found.rows(table.names[:2])[np.arange(min(2, len(table.names)))]


def scans(folder: Path) -> list[bytes]:
    """Give the kept scan of some images."""
    for number, content in enumerate(pngs(folder)[:3]):
        (folder / f"{number}.png").write_bytes(content)
    made = folder / "made.scan.parquet"
    made.unlink(missing_ok=True)
    scan_images(folder, _images(), made, workers=1)
    return [made.read_bytes()]


def _images() -> list[str]:
    return ["0.png", "1.png", "2.png"]


def use_scan(path: Path) -> None:
    """Go on with a scan."""
    scan_images(path.parent, _images(), path, workers=1)


def fix_notes(seeds: Callable[[Path], list[bytes]]) -> Callable[[Path], list[bytes]]:
    """Add tables whose metadata says something else than the table."""

    def with_odd(folder: Path) -> list[bytes]:
        found = seeds(folder)
        table = pq.read_table(io.BytesIO(found[1]))
        kept = json.loads(table.schema.metadata[b"pandas"])
        for pandas, notes in (
            (b"{", b"{"),
            (json.dumps({**kept, "index_columns": ["absent"]}).encode(), b'{"event": {"threshold": 1}}'),
            (json.dumps({**kept, "columns": [{}]}).encode(), b'{"event": {"threshold": "Q", "window_hours": 1e999}}'),
            (b"[" * 5000, b"[" * 100_000),
        ):
            stream = io.BytesIO()
            pq.write_table(table.replace_schema_metadata({b"pandas": pandas, b"flarescope": notes}), stream)
            found.append(stream.getvalue())
        return found

    return with_odd


TARGETS = {
    "parquet-catalogue": Target("a.parquet", fix_notes(catalogues), read_as_catalogue),
    "parquet-forecasts": Target("a.parquet", fix_notes(forecasts), read_forecasts),
    "parquet-notes": Target("a.parquet", fix_notes(catalogues), read_event),
    "feature-table": Target("a.parquet", feature_tables, use_feature_table),
    "parquet-scan": Target("a.scan.parquet", scans, use_scan),
}
