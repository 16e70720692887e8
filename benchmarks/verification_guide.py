"""Which numbers of docs/verification.md follow from published forecasts, and which figures?

    python benchmarks/verification_guide.py ../shared/data --docs docs

The folder holds `foreign_forecasts` (three networks' hourly forecasts of M1.0 anywhere within 24 hours, and the Met
Office's four-day forecasts with their flares) and `noaa_1996_2015` (NOAA's region summaries and flares). Each table
goes between its marks in `verification.md`, figures go to `verification/`; about a minute of one core.
"""

import argparse
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pandas as pd
from matplotlib.figure import Figure

from flarescope import Choosing, Comparing, EventDefinition, Reading, Verifying, compare_many, verify_table
from flarescope.figures import interval_figure, reliability_figure, save_figures
from flarescope.files import write_text
from flarescope.pipeline.foreign_columns import parse_columns
from flarescope.wording import NOTHING, interval, number, p_value_text, score_title

NETWORKS: Final = ("vgg", "resnet", "alex")
COLUMNS: Final = parse_columns("probability=flare_prob,label=target,time=timestamp")
M_DISK: Final = EventDefinition(threshold="M1.0", scope="disk")
LAST_CHOSEN: Final = "2013-12-01"
FIRST_SCORED: Final = "2014-01-01"
"""A month lies between the rows that are chosen on and those that are scored: longer than a region is on the disk."""
SCORES: Final = ("tss", "hss", "bss_sample", "roc_area")

Found = Mapping[str, Any]


def main() -> None:
    """Compute everything, and write it into the guide."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    options = parser.parse_args()
    tables = options.data / "foreign_forecasts"
    networks = [tables / f"fulldisk_m1_24h_{name}.csv" for name in NETWORKS]
    made: dict[str, str] = {}
    made |= first_look(networks[1], options.docs / "verification")
    made |= chosen_elsewhere(networks)
    made |= against_references(networks[1], options.data / "noaa_1996_2015")
    made |= met_office(tables, options.docs / "verification")
    guide = options.docs / "verification.md"
    write_text(guide, filled(guide.read_text(), made))


def filled(text: str, made: Mapping[str, str]) -> str:
    """Put tables between their marks, `<!-- made: NAME -->` and `<!-- end -->`."""
    for name, table in made.items():
        pattern = rf"(?s)(<!-- made: {name} -->\n).*?(<!-- end -->)"
        if not re.search(pattern, text):
            raise SystemExit(f"the guide has no place for {name}: <!-- made: {name} -->")
        text = re.sub(pattern, lambda match, table=table: f"{match[1]}{table}\n{match[2]}", text)
    return text


def save_drawing(name: str, figure: Figure, folder: Path) -> None:
    """Keep a figure as SVG alone."""
    for path in save_figures({name: figure}, folder):
        if path.suffix == ".png":
            path.unlink()


def as_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table as Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(row: Mapping[str, Any] | None) -> str:
    """Write a score with its interval."""
    if row is None:
        return NOTHING
    ends = interval(row.get("low"), row.get("high"), 2)
    return number(row["value"]) + ("" if ends == NOTHING else f" ({ends})")


def first_look(path: Path, folder: Path) -> dict[str, str]:
    """Verify one network as it comes, with intervals by what is resampled."""
    rows = []
    for word in ("1h", "day", "week", "carrington"):
        found = verify_table(path, event=M_DISK, reading=Reading(COLUMNS), verifying=Verifying(resample=word))
        tss = found["decisions"]["argmax"]["scores"]["tss"]
        width = number(tss["high"] - tss["low"], 2)
        rows.append([f"`--resample {word}`", f"{found['settings']['clusters']:,}", cell(tss), width])
    bins = pd.DataFrame(found["probability"]["reliability"]).astype(float)
    figure = reliability_figure(bins, event_rate=found["sample"]["event_rate"], rows="Forecasts")
    save_drawing("reliability", figure, folder)
    return {"resampling": as_table(["resampled", "blocks", "TSS at 0.5", "width"], rows)}


def chosen_elsewhere(networks: Sequence[Path]) -> dict[str, str]:
    """Compare the three from 2014 on, as they come and with what was chosen on the years before."""
    with tempfile.TemporaryDirectory() as place:
        before, after = zip(*(split_in_time(path, Path(place)) for path in networks), strict=True)
        how = Comparing(event=M_DISK, reading=Reading(COLUMNS))
        plain = compare_many(after, how=how)
        there = tuple(str(one) for one in before)
        chosen = compare_many(after, how=replace(how, choosing=Choosing("tss", "platt"), choose_on=there))
    rows = []
    for name, found in (("as it came", plain), ("calibrated, threshold for TSS", chosen)):
        for network, path in zip(NETWORKS, after, strict=True):
            scores = found["tables"][path.stem]["decision"] | found["tables"][path.stem]["probability"]
            at = f"{found['settings']['thresholds'][path.stem]:.3f}"
            rows.append([network, name, at, *(cell(scores[score]) for score in SCORES)])
    header = ["network", "decided", "yes from", *map(score_title, SCORES)]
    return {"chosen": as_table(header, rows), "pairs": pairs(chosen)}


def split_in_time(path: Path, folder: Path) -> tuple[Path, Path]:
    """Write the rows of a table until `LAST_CHOSEN` and from `FIRST_SCORED` on; give the two files."""
    table = pd.read_csv(path)
    day = pd.to_datetime(table["timestamp"].str.extract(r"HMI\.m(\d{4}\.\d{2}\.\d{2})_")[0], format="%Y.%m.%d")
    paths = folder / f"{path.stem}_before.csv", folder / f"{path.stem}.csv"
    for rows, one in ((table[day < LAST_CHOSEN], paths[0]), (table[day >= FIRST_SCORED], paths[1])):
        rows.to_csv(one, index=False)
    return paths


def pairs(found: Found) -> str:
    """Write the differences of all pairs, in TSS and in Brier skill."""
    rows = []
    for pair in found["pairs"]:
        for part, score in (("decision", "tss"), ("probability", "bss_sample")):
            row = pair[part][score]
            names = " - ".join(pair[side].removeprefix("fulldisk_m1_24h_") for side in "ab")
            difference = cell(row | {"value": row["difference"]})
            rows.append([names, score_title(score), difference, p_value_text(row["p"]), p_value_text(row["p_holm"])])
    return as_table(["pair", "score", "difference", "p", "Holm's p"], rows)


def against_references(path: Path, noaa: Path) -> dict[str, str]:
    """Set one network against every reference."""
    verifying = Verifying(events=noaa / "flares.csv", regions=(noaa / "region_days.csv",))
    found = verify_table(path, event=M_DISK, reading=Reading(COLUMNS), verifying=verifying)
    return {"references": references(found["references"])}


def references(found: Found) -> str:
    """Write the skill against each reference."""
    rows = [
        [
            name + (" (*)" if row["warning"] else ""),
            f"{row['n']:,}",
            cell(row["brier_skill"]),
            number(row["tss_reference"]),
            cell(row["tss_gained"]),
        ]
        for name, row in found.items()
    ]
    return as_table(["reference", "rows", "Brier skill against it", "its TSS", "TSS gained"], rows)


def met_office(tables: Path, folder: Path) -> dict[str, str]:
    """Verify the Met Office's four days, M and X."""
    reading = Reading(form="metoffice", flares=tables / "met_office_mx_flares.txt")
    rows, drawn, first = [], [], {}
    for threshold in ("M1.0", "X1.0"):
        for day in range(1, 5):
            event = EventDefinition(threshold=threshold, latency_hours=24.0 * (day - 1), scope="disk")
            found = verify_table(tables / "met_office_fulldisk_2014_2016.txt", event=event, reading=reading)
            scores = found["probability"]["scores"]
            against = found["references"]["persistence"]["brier_skill"]
            events = f"{found['sample']['events']:,} of {found['sample']['n']:,}"
            cells = [cell(scores["bss_sample"]), cell(scores["roc_area"]), cell(against)]
            rows.append([threshold, str(day), events, *cells])
            first = first or found["references"]
            drawn += [
                (score_title(name), f"day {day}", *(scores[name].get(key) for key in ("value", "low", "high")))
                for name in ("bss_sample", "roc_area")
                if threshold == "M1.0"
            ]
    figure = interval_figure(pd.DataFrame(drawn, columns=["score", "series", "value", "low", "high"]))
    save_drawing("met_office_m", figure, folder)
    header = ["event", "day", "events", "BSS (sample)", "ROC area", "Brier skill against persistence"]
    return {"met_office": as_table(header, rows), "met_office_references": references(first)}


if __name__ == "__main__":
    main()
