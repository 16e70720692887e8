"""`flarescope disk`: which regions does an image of the whole disk show, and what do they look like by themselves?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flarescope.cli import options
from flarescope.cli.groups import group
from flarescope.cli.screen import ScreenReporter, note, settings, show_json, show_table
from flarescope.json_values import frame_records

if TYPE_CHECKING:
    from flarescope.pipeline.cutting import CutDisk

app = group("Regions in images of the whole disk.")

EXAMPLE = "Example: flarescope disk cut hmi.M_720s.20160707_010000_TAI.fits --regions 20160707SRS.txt --out patches"


@app.command("cut", epilog=EXAMPLE)
def cut(
    image: Annotated[Path, typer.Argument(help="FITS file of HMI's whole disk, as JSOC's hmi.M_720s.")],
    regions: Annotated[
        list[Path],
        typer.Option(
            help="Solar Region Summaries: file, folder or tar; may be given again. The last before the image counts."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the patches, patches.csv and regions.csv.")],
    plages: Annotated[
        bool, typer.Option("--plages", help="Cut regions without spots too (section IA of the summary).")
    ] = False,
    draw: Annotated[
        bool, typer.Option("--draw", help="Write disk.png and disk.svg too: the disk with its regions.")
    ] = False,
    instrument_ok: options.InstrumentOk = False,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    debug: options.Debug = False,
) -> None:
    """Cut the active regions out of an image of the whole disk.

    Each patch has 600x600 pixels around the region, as the camera lies, in the published layout: `predict` takes the
    folder, `catalog label` its patches.csv. A region is where NOAA's summary puts it at 24:00, turned to the image's
    time by the Sun's differential rotation. Pixels without a value stay so, and are counted.
    """
    from flarescope.pipeline.cutting import PATCHES, REGIONS, cut_disk

    found = cut_disk(
        image,
        regions=regions,
        out=out,
        plages=plages,
        draw=draw,
        instrument_ok=instrument_ok,
        reporter=ScreenReporter(),
    )
    show_regions(found)
    note(f"patches, {PATCHES} and {REGIONS} written to {out}")


def show_regions(cut: "CutDisk") -> None:
    """Print what became of each region, as a table or as JSON."""
    records = frame_records(cut.table)
    if settings.as_json:
        show_json(records)
        return
    header = ["NOAA AR", "longitude", "latitude", "state", "pixels without value", "flags", "patch"]
    show_table("regions", header, [_row(record) for record in records])


def _row(record: "Any") -> list[str]:  # noqa: ANN401 - a record of a table
    def number(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    cut = record["filename"] is not None
    state = record["state"] if cut or record["state"] != "visible" else "visible, without spots"
    return [
        str(record["noaa_ars"] or record["noaa_ar"]),
        number(record["lon_deg"], "+.1f"),
        number(record["lat_deg"], "+.1f"),
        state,
        number(record["nan_pixels"], ",d"),
        record["flags"] or "-",
        record["filename"] or "-",
    ]
