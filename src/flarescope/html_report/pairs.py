"""How do many forecasts differ, pair by pair, and what have they on all rows of their own?"""

from collections.abc import Mapping
from typing import Any, Final

from flarescope.html_report.view import Section, Table
from flarescope.wording import NOTHING, interval, number, p_value_text, score_title, without_empty

BETTER: Final = "Better by its interval"
SHOWN: Final = ("tss", "bss_sample", "roc_area")


def pairs_section(found: Mapping[str, Any], letters: Mapping[str, str]) -> Section:
    """Give the part of the page with all pairs.

    Args:
        found: what `pipeline.comparing.compare_many` gives.
        letters: name of each -> its letter on the page.
    """
    text = [
        f"All {len(found['pairs'])} pairs, on the {number(found['n'])} rows that all have. p: the chance of such a "
        "difference, or a larger one, if there is none; Holm's p: the same, corrected for the number of pairs. "
        "Intervals are not."
    ]
    tables = [_pairs(found, letters, score) for score in SHOWN]
    return Section("pairs", "Every pair", text, tables=[*tables, *_own(found, letters)])


def _pairs(found: Mapping[str, Any], letters: Mapping[str, str], score: str) -> Table:
    rows = []
    for pair in found["pairs"]:
        row = pair["decision"].get(score) or pair["probability"][score]
        chance = [p_value_text(row.get("p")), p_value_text(row.get("p_holm"))]
        better = letters[pair[row["better"]]] if row.get("better") else ""
        ends = interval(row.get("low"), row.get("high"))
        rows.append((f"{letters[pair['a']]} − {letters[pair['b']]}", number(row["difference"]), ends, *chance, better))
    header = ("Pair", "Difference", "Interval", "p", "Holm's p", BETTER)
    columns, cells = without_empty(header, rows, (BETTER,))
    none = "" if BETTER in columns else "; no interval tells two apart"
    return Table(f"Differences in {score_title(score)}{none}", columns, cells)


def _own(found: Mapping[str, Any], letters: Mapping[str, str]) -> list[Table]:
    rows = []
    for name, one in found["own"].items():
        scores = one["decision"] | one["probability"]
        cells = [_cell(scores[score]) for score in SHOWN]
        rows.append((f"{letters[name]}: {name}", number(one["n"]), number(one["events"]), *cells))
    columns = ("Forecast", "Rows", "Events", *map(score_title, SHOWN))
    return [Table("Each on all rows of its own", columns, rows)] if rows else []


def _cell(row: Mapping[str, Any]) -> str:
    ends = interval(row.get("low"), row.get("high"))
    return number(row["value"]) + ("" if ends == NOTHING else f"\n{ends}")
