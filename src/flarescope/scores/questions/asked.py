"""Which of the questions can be answered of a table of forecasts, and what are the answers?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from flarescope.events import EventDefinition
from flarescope.scores.by_cluster import ByCluster
from flarescope.scores.previous import Flares
from flarescope.scores.questions.all_clear import all_clear
from flarescope.scores.questions.any_region import any_region
from flarescope.scores.questions.base_rates import at_base_rates
from flarescope.scores.questions.flare_by_flare import flare_by_flare
from flarescope.scores.questions.once_a_day import once_a_day
from flarescope.scores.questions.sliced import HISTORY, history_of, lead_of
from flarescope.scores.questions.value import value_curves
from flarescope.scores.slices import LEAD


@dataclass(frozen=True)
class Asked:
    """The rows that are asked about.

    Attributes:
        rows: N rows with the columns of `tables.FORECAST_DTYPES`.
        labels: `(N,)` bool.
        event: what label 1 means; None leaves out what needs its window.
        flares: a flare list; None leaves out what needs peaks.
        by: what is drawn whole.
    """

    rows: pd.DataFrame
    labels: np.ndarray
    event: EventDefinition | None
    flares: Flares | None
    by: ByCluster


def answers(asked: Asked, probability: np.ndarray, threshold: float) -> dict[str, Any]:
    """Answer what can be answered of one decision.

    Args:
        asked: the rows.
        probability: `(N,)` in 0..1, that the decision is made on.
        threshold: yes from it on.

    Returns:
        `value`, `all_clear`, `base_rates`, `once_a_day` (a list, maybe empty), `any_region` and `flares` (None where
        they cannot be told), each as its file in `scores.questions` says.
    """
    rows, labels, by, event = asked.rows, asked.labels, asked.by, asked.event
    yes = probability >= threshold
    region = event is None or event.scope == "region"
    known = event is not None and asked.flares is not None
    return {
        "value": value_curves(labels, probability, threshold, by),
        "all_clear": all_clear(labels, probability, threshold, by),
        "base_rates": at_base_rates(labels, yes, by),
        "once_a_day": once_a_day(rows, labels, probability, threshold, by),
        "any_region": any_region(rows, labels, probability, threshold, event, by.sampling) if region else None,
        "flares": flare_by_flare(rows, labels, yes, asked.flares, event, by) if known else None,  # type: ignore[arg-type]
    }


def further_slices(asked: Asked) -> "dict[str, pd.Series[Any]]":
    """Give the slicings that event and flare list allow: `history` and `lead` (`sliced`)."""
    if asked.event is None:
        return {}
    found = {
        HISTORY: history_of(asked.rows, asked.event, asked.flares),
        LEAD: lead_of(asked.rows, asked.event, asked.flares),
    }
    return {name: keys for name, keys in found.items() if keys is not None}
