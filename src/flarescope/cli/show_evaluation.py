"""How does the screen show what was evaluated: a model, the models of several events, or anybody's table?"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flarescope.cli.screen import note, out, settings, show_json, show_table
from flarescope.counted import counted

if TYPE_CHECKING:
    from flarescope.pipeline.evaluating_events import EventsEvaluation
    from flarescope.pipeline.evaluation import Evaluation


def show_evaluation(evaluation: "Evaluation") -> None:
    """Print an evaluation, as tables or as JSON."""
    if settings.as_json:
        show_json(evaluation.to_json())
        return
    from flarescope.cli.verification_tables import flux_lines
    from flarescope.events import statement_of

    table = evaluation.table
    title = f"{evaluation.split}: {counted(len(evaluation.forecasts), 'image')}, yes from p >= 0.5"
    show_contingency(title, table.counts())
    scores = {**table.scores(), "loss": evaluation.loss}
    out("  ".join(f"{name.upper() if name != 'loss' else name} {value:.4f}" for name, value in scores.items()))
    if evaluation.undefined:
        names = ", ".join(name.upper() for name in evaluation.undefined)
        out(f"undefined (0/0, written as null): {names}: the table lacks events or non-events")
    if evaluation.verification:
        show_verification(evaluation.verification, "image")
        tell_losses(evaluation.loss, evaluation.verification)
    else:
        out(statement_of(evaluation.event))
    for line in flux_lines(evaluation.evaluated):
        out(line)
    note(f"scores and forecasts written to {evaluation.folder}")


def tell_losses(loss: float, verification: Mapping[str, Any]) -> None:
    """Say why the model's loss is not the log loss of its probabilities, where it is not."""
    kept = verification["probability"]["scores"]["log_loss"]["value"]
    if kept is not None and loss > kept and not math.isclose(loss, kept, rel_tol=0.01):
        note(
            f"- loss {loss:.4g} is of the log odds as the head gives them; Log loss {kept:.4g} keeps probabilities "
            "within 1e-7 to 1 - 1e-7: some forecasts beyond were wrong"
        )


def show_events(evaluation: "EventsEvaluation") -> None:
    """Print the verification of each event in a row, as a table; or all of it as JSON."""
    if settings.as_json:
        show_json(evaluation.to_json())
        return
    from flarescope.cli.verification_tables import event_cells, flux_lines
    from flarescope.wording import number

    rows = []
    for code, one in evaluation.evaluations.items():
        order, sample = evaluation.order[code], one.forecasts
        cells = [code, f"{len(sample):,}", f"{int(sample['label'].sum()):,}", *event_cells(one.verification)]
        told = [number(order["tss_ordered"]), f"{order['brier']:.5f}", f"{order['brier_ordered']:.5f}"]
        rows.append([*cells, *told, f"{order['changed']:.1%}"])
    header = [
        "event",
        "images",
        "events",
        "TSS",
        "HSS",
        "BSS",
        "TSS in order",
        "Brier alone",
        "Brier in order",
        "moved",
    ]
    show_table(f"{evaluation.split}: each event by its own model and threshold", header, rows)
    for code, one in evaluation.evaluations.items():
        for line in flux_lines(one.evaluated):
            out(f"{code}: {line}")
    note("in order: as predict gives them, no event above one that it implies; Brier: calibrated, where it is fitted")
    note(f"scores and forecasts written to {evaluation.folder}")


def show_foreign(verification: dict[str, Any], name: str) -> None:
    """Print the verification of a table of forecasts, whoever made them; or JSON."""
    if settings.as_json:
        show_json(verification)
        return
    number = verification["sample"]["n"]
    for decision in verification["decisions"].values():
        which = "calibrated p" if decision["calibrated"] else "p"
        show_contingency(
            f"{name}: {counted(number, 'forecast')}, yes from {which} >= {decision['threshold']:.4g}", decision
        )
    show_verification(verification, "forecast")


def show_contingency(title: str, counts: Mapping[str, Any]) -> None:
    """Print the four counts: `tp`, `fn`, `fp` and `tn`."""
    yes = [f"{counted(counts['tp'], 'hit')} (TP)", f"{counted(counts['fp'], 'false alarm')} (FP)"]
    no = [f"{counted(counts['fn'], 'miss', 'misses')} (FN)", f"{counted(counts['tn'], 'correct rejection')} (TN)"]
    show_table(title, ["", "event", "no event"], [["forecast yes", *yes], ["forecast no", *no]])


def show_verification(verification: dict[str, Any], row: str) -> None:
    """Print every score with its interval, the baselines, and what a reader must know; a row is called `row`."""
    from flarescope.cli.verification_tables import baseline_rows, decision_rows, probability_rows, use_rows
    from flarescope.events import event_from_json, statement_of
    from flarescope.scores.clusters import unit_of
    from flarescope.wording import has_intervals, interval_words, without_empty

    sample, drawn = verification["sample"], verification["settings"]
    unit = unit_of(drawn)
    regions = f" of {counted(sample['regions'], 'region')}" if sample["regions"] else ""
    if unit.hours is not None and sample["groups"]:
        regions = f" of {counted(sample['groups'], unit.one, unit.many)}"
    how = f", {drawn['level']:.0%} intervals {interval_words(drawn)}" if has_intervals(drawn) else ""
    tables = {
        f"{counted(sample['n'], row)}{regions}, {sample['events']:,} with an event{how}": decision_rows(verification),
        "the probability": probability_rows(verification),
        "beside the baselines (are these forecasts better?)": baseline_rows(verification),
    }
    out(statement_of(event_from_json(drawn["event"], "the verification")))
    if verification.get("references"):
        from flarescope.html_report.references import lead, reference_rows

        last = list(verification["decisions"].values())[-1]
        out(lead(verification["references"], last["threshold"]))
        names, told = reference_rows(verification["references"])
        own = [[cell.replace("\n", " (", 1) + (")" if "\n" in cell else "") for cell in row[:-1]] for row in told]
        tables["against reference forecasts"] = (names[:-1], own)
    tables["for those who use the forecasts (`report` says more)"] = use_rows(verification)
    for title, (header, rows) in tables.items():
        if not rows:
            continue
        out("")
        columns, cells = without_empty(header, rows, ("interval",) if not how else ())
        show_table(title, list(columns), [list(row) for row in cells])
    for name, one in verification.get("references", {}).items():
        note(f"- {name}: {one['said']}" + (f" ({one['warning']})" if one["warning"] else ""))
    for text in verification["notes"]:
        note(f"- {text}")
