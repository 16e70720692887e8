"""What must somebody know who uses a region model: what it is, what it was made of, how good it is?"""

from collections.abc import Mapping
from typing import Any, Final

from flarescope.wording import interval, number

MODELS: Final = {
    "climatology": "the share of region-days with an event",
    "mcintosh": "MCSTAT's method with rates of its own: P = 1 - exp(-rate), of the mean rate of the McIntosh class",
    "mcevol": "MCEVOL's method likewise: the same by the classes of today and of the day before",
    "class": "a logistic regression on the summary alone",
    "history": "a logistic regression on the region's own earlier flares alone",
    "summary": "a logistic regression on the summaries and their changes",
    "regions": "logistic regressions and boosted trees on all that is known, six parts to four in log odds",
    "persistence": "the window before goes on",
}
NOT_OFFICIAL: Final = (
    "Research software: not official forecasts. Those are issued by NOAA's Space Weather Prediction Center "
    "(swpc.noaa.gov) and other national centres."
)


PUBLISHED: Final = (
    "What was published: Gallagher, Moon & Wang (2002, Solar Physics 209, 171) and Bloomfield et al. (2012, ApJL 747, "
    "L41) take the mean number of flares in the 24 hours after a region-day of a McIntosh class for the rate of a "
    "Poisson process; Bloomfield et al. count them in solar cycles 21 and 22 and forecast cycle 23. Not theirs are: "
    "the rates, which are counted on the region-days named below; that a class's rate is that of its own region-days "
    "together with 20 of the rate of its first letter, and a first letter's with 20 of the rate of all; the classes "
    "C2.0, C5.0 and M5.0, and the windows but 24 hours; the whole disk, which joins the regions' probabilities with "
    "flares outside numbered regions, forecast from the disk's activity, and is calibrated by day."
)
COUNTED: Final = "Its rates did not see the days scored."
CHOSEN: Final = (
    "Its numbers did not see the days scored; its kind, features and settings were chosen by cross-validation over all "
    "years of 1996 to 2015."
)
JOINED: Final = (
    "The others' regions are joined to the disk as the model's are, with the activity of the disk in the days before, "
    "which `climatology` here knows too."
)

Run = tuple[Mapping[str, Any], Mapping[str, Any]]
"""`run.json` and `scores.json` of a run."""


def card(run: Run, *, earlier: Run | None = None, licence: str = "") -> str:
    """Write the card of a run's model as Markdown.

    Args:
        run: of the model.
        earlier: of a model of the same kind that was trained until a day and verified after it, for a model that was
            then trained on all days.
        licence: a sentence, of a model that has one; it is for whoever trained it to give.
    """
    described, scores = run
    trained, name = described["trained"], described["model"]["name"]
    lines = [
        f"# Region model `{name}`",
        "",
        NOT_OFFICIAL,
        "",
        f"What it is: {MODELS[name]}. It forecasts flares of C1.0 to X1.0 in windows of 12 hours or more within 72 "
        "hours, of each region with spots and of the whole disk, on the flux scale of SWPC's lists before GOES-16.",
        "",
        *((PUBLISHED, "") if name == "mcintosh" else ()),
        "## Data",
        "",
        f"Trained on {_period(trained)}. Region summaries and flare lists: "
        f"{trained.get('credit') or 'whose they are was not said'}.{f' {licence}' if licence else ''}",
        "",
        "| file | sha256 |",
        "|---|---|",
        *(f"| {one['name']} | {one.get('sha256', 'a folder')} |" for one in _files(trained)),
        "",
        f"Brier skill is against the event rate of the rows trained on{_intervals(scores)}. The numbers of events are "
        "of the rows scored.",
        "",
    ]
    if earlier is not None:
        kept = COUNTED if name == "mcintosh" else CHOSEN
        of_then = earlier[0]["data"]["verified"]
        title = f"Skill on {of_then['first'][:10]} to {of_then['last'][:10]}, never seen"
        lines += [f"## {title}", "", f"Of the same model trained on {_period(earlier[0]['trained'])}. {kept}", ""]
        lines += _skill(earlier[1], name)
    lines += ["## Skill", "", f"Rows scored: {scores['rows']}.", "", *_skill(scores, name)]
    return "\n".join(lines).rstrip() + "\n"


def _period(trained: Mapping[str, Any]) -> str:
    return (
        f"{trained['region_days']:,} region-days of {trained['regions']:,} regions, issued {trained['first']} to "
        f"{trained['last']} UTC"
    )


def _skill(scores: Mapping[str, Any], name: str) -> list[str]:
    lines = []
    for scope, title in (("region", "Each region"), ("disk", "The whole disk")):
        lines += [f"### {title}, 24 hours", "", *_table(scores[scope]), ""]
        if scope == "disk" and any("mcintosh" in found["scores"] for found in scores[scope].values()):
            lines += [JOINED, ""]
        lines += [f"### {title}: what the model gains over the others", "", *_gained(scores[scope]), ""]
        lines += [f"### {title}, other windows", "", *_windows(scores[scope], name), ""]
        lines += [f"### {title}, by solar cycle and year", "", *_times(scores[scope]), ""]
    return lines


def _gained(scores: Mapping[str, Any]) -> list[str]:
    days = _days(scores)
    head = [code.split("/")[0] for code in days]
    lines = ["| over | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
    for name in next(iter(days.values()))["gained"] if days else ():
        cells = [_cell(found["gained"].get(name)) for found in days.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return [
        *lines,
        "",
        "Differences of the Brier skill on the same rows; the same regions or blocks are drawn or left out in both.",
    ]


def _intervals(scores: Mapping[str, Any]) -> str:
    """Say how the intervals were made, after what they are of; nothing where there are none."""
    if not any(found["interval_method"] for scope in ("region", "disk") for found in scores[scope].values()):
        return ""
    return (
        ", with 95 % intervals by whole regions, of the disk by blocks of 27 days: resampled, or where few have events "
        "each left out once (jackknife, Student's t)"
    )


def _files(trained: Mapping[str, Any]) -> list[Mapping[str, str]]:
    return [one for kind in ("regions_files", "flares_files") for one in trained.get(kind, [])]


def _days(scores: Mapping[str, Any]) -> dict[str, Any]:
    return {code: found for code, found in scores.items() if code.endswith("/24") and found["scores"]}


def _table(scores: Mapping[str, Any]) -> list[str]:
    days = _days(scores)
    if not days:
        return ["No event of any class came, or nothing else did."]
    head = [f"{code.split('/')[0]} ({found['events']:,} of {found['n']:,})" for code, found in days.items()]
    lines = ["| forecast | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
    for name in next(iter(days.values()))["scores"]:
        lines.append(f"| {name} | " + " | ".join(_cell(found["scores"].get(name)) for found in days.values()) + " |")
    own = [next(iter(found["scores"].values())) for found in days.values()]
    lines.append(
        "| the first, against the rows' own event rate | " + " | ".join(_cell(one, "bss_sample") for one in own) + " |"
    )
    return [*lines, "| ROC area of the first | " + " | ".join(map(_area, own)) + " |"]


def _windows(scores: Mapping[str, Any], name: str) -> list[str]:
    lines = ["| class / hours (+ latency) | events | Brier skill | ROC area |", "|---|---|---|---|"]
    for code, found in scores.items():
        if found["scores"]:
            own = found["scores"][name]
            lines.append(f"| {code} | {found['events']:,} | {_cell(own)} | {_area(own)} |")
    return lines


def _times(scores: Mapping[str, Any]) -> list[str]:
    days = {code: found for code, found in scores.items() if "years" in found}
    lines = ["| time | " + " | ".join(code.split("/")[0] for code in days) + " |", "|---" * (len(days) + 1) + "|"]
    first = next(iter(days.values()))
    for cycle in first["cycles"]:
        own = [found["cycles"][cycle]["scores"] for found in days.values()]
        lines.append(f"| cycle {cycle} | " + " | ".join(_cell(one) for one in own) + " |")
    for year in first["years"]:
        own = [found["years"][year]["scores"] for found in days.values()]
        lines.append(f"| {year} | " + " | ".join(_cell(one, "bss_sample") for one in own) + " |")
    note = "Cycles against the event rate of the rows trained on, years against that of the year itself."
    return [*lines, "", note]


def _cell(scores: Mapping[str, Any] | None, name: str = "bss_climatology") -> str:
    one = (scores or {}).get(name)
    return "" if one is None else f"{number(one['value'])} {interval(one.get('low'), one.get('high'))}".rstrip()


def _area(scores: Mapping[str, Any]) -> str:
    one = scores["roc_area"]
    return f"{number(one['value'])} {interval(one.get('low'), one.get('high'))}".rstrip()
