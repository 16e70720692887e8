"""How is an epoch of each kind of head trained, for several runs at once where they share the rows?"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from flarescope.counted import counted
from flarescope.errors import InputError
from flarescope.events import flux_if_class
from flarescope.features.gather import Rows
from flarescope.heads import lbfgs
from flarescope.heads.adam import State
from flarescope.heads.base import Ended
from flarescope.heads.boosting import fit_boosted
from flarescope.heads.flux import fit_flux
from flarescope.heads.head import Head
from flarescope.heads.mlp import MlpState, train_mlps
from flarescope.heads.ordinal import fit_ordinal
from flarescope.heads.result import result_of
from flarescope.heads.sequence_fit import fit_sequence
from flarescope.heads.together import train_together
from flarescope.pipeline.jobs import Outcome, Running
from flarescope.progress import Reporter


def _adam(group: Sequence[Running], rows: Rows, label: str, reporter: Reporter) -> list[Outcome]:
    done, heads = 0, f", {len(group)} heads" if len(group) > 1 else ""

    def advance(count: int) -> None:
        nonlocal done
        done += count
        reporter.advance(label + heads, done, len(rows))

    states = [one.state for one in group if isinstance(one.state, State)]
    recipes = [one.recipe for one in group]
    found = train_together(states, rows, [one.labels["train"] for one in group], recipes, progress=advance)
    return [Outcome(state, result, {}) for state, result in found]


def _lbfgs(group: Sequence[Running], rows: Rows, label: str, reporter: Reporter) -> list[Outcome]:
    outcomes = []
    for one in group:
        labels = one.labels["train"]
        fit = lbfgs.fit(rows, labels, one.recipe, progress=lambda done, of: reporter.advance("L-BFGS", done, of))
        _tell_unconverged(fit.iterations, fit.converged, reporter)
        weights = np.array(one.recipe.class_weight)[labels]
        trained = result_of(labels, fit.head.log_odds(rows), clip=0, weights=weights)
        state = replace(State.start(fit.head), step=fit.iterations, epoch=1)
        outcomes.append(Outcome(state, trained, {"iterations": fit.iterations, "converged": fit.converged}))
    return outcomes


def _ordinal(group: Sequence[Running], rows: Rows, label: str, reporter: Reporter) -> list[Outcome]:
    rising = sorted(group, key=_flux)
    labels = [one.labels["train"] for one in rising]
    fit = fit_ordinal(rows, labels, l2=group[0].recipe.l2, progress=lambda done, of: reporter.advance(label, done, of))
    _tell_unconverged(fit.iterations, fit.converged, reporter)
    heads = dict(zip(map(id, rising), fit.heads, strict=True))
    return [_joint(one, heads[id(one)], rows, fit.iterations, fit.converged, {}) for one in group]


def _regression(group: Sequence[Running], rows: Rows, label: str, reporter: Reporter) -> list[Outcome]:
    weakest = min(group, key=_flux)
    if weakest.data is None:
        raise TypeError("a run on its way has data")
    fit = fit_flux(
        rows,
        flux_if_class(weakest.data.tables["train"]["flare"]).to_numpy(float),
        limit_w_m2=_flux(weakest),
        thresholds_w_m2=[_flux(one) for one in group],
        l2=group[0].recipe.l2,
        progress=lambda done, of: reporter.advance(label, done, of),
    )
    _tell_unconverged(fit.iterations, fit.converged, reporter)
    told = {"distribution": fit.to_json()}
    return [
        _joint(one, head, rows, fit.iterations, fit.converged, told) for one, head in zip(group, fit.heads, strict=True)
    ]


def _tell_unconverged(iterations: int, converged: bool, reporter: Reporter) -> None:
    if not converged:
        reporter.warn(f"L-BFGS had not converged after {counted(iterations, 'iteration')}; a larger --l2 takes fewer")


def _flux(one: Running) -> float:
    """Give the least flux of a run's event, W/m^2."""
    if one.data is None or one.data.event is None:
        raise InputError(f"--head {one.recipe.head} needs tables that say their event, or --event and --window")
    return one.data.event.flux_w_m2


def _joint(
    one: Running,
    head: Head,
    rows: Rows,
    iterations: int,
    converged: bool,
    told: dict[str, Any],
) -> Outcome:
    trained = result_of(one.labels["train"], head.log_odds(rows), clip=0)
    state = replace(State.start(head), step=iterations, epoch=1)
    return Outcome(state, trained, {"iterations": iterations, "converged": converged}, told)


def _mlp(group: Sequence[Running], rows: Rows, label: str, reporter: Reporter) -> list[Outcome]:
    done, heads = 0, f", {len(group)} heads" if len(group) > 1 else ""

    def advance(count: int) -> None:
        nonlocal done
        done += count
        reporter.advance(label + heads, done, len(rows))

    states = [one.state for one in group if isinstance(one.state, MlpState)]
    labels, recipes = [one.labels["train"] for one in group], [one.recipe for one in group]
    return [Outcome(state, result, {}) for state, result in train_mlps(states, rows, labels, recipes, progress=advance)]


def _boosting(group: Sequence[Running], rows: Rows, label: str, reporter: Reporter) -> list[Outcome]:
    outcomes = []
    for one in group:
        reporter.say(f"{one.run.path.name}: boosted trees on {len(rows):,} rows")
        labels = one.labels["train"]
        head = fit_boosted(rows, labels, one.recipe)
        weights = np.array(one.recipe.class_weight)[labels]
        trained = result_of(labels, head.log_odds(rows), clip=0, weights=weights)
        outcomes.append(Outcome(Ended(head), trained, {"trees": len(head.roots)}))
    return outcomes


def _sequence(group: Sequence[Running], rows: Rows, label: str, reporter: Reporter) -> list[Outcome]:
    outcomes, done = [], 0
    for one in group:
        if one.data is None or one.data.history is None:
            raise TypeError("a head that looks back has a history")
        labels, name = one.labels["train"], f"{one.recipe.head}, {one.recipe.epochs} passes"
        total, done = len(rows) * one.recipe.epochs, 0

        def advance(count: int, name: str = name, total: int = total) -> None:
            nonlocal done
            done += count
            reporter.advance(name, done, total)

        images = len(one.data.history.hours)
        head = fit_sequence(one.recipe.head, rows, labels, one.recipe, images=images, progress=advance)
        weights = np.array(one.recipe.class_weight)[labels]
        trained = result_of(labels, head.log_odds(rows), clip=0, weights=weights)
        outcomes.append(Outcome(Ended(head), trained, {"passes": one.recipe.epochs}))
    return outcomes


Solve = Callable[[Sequence[Running], Rows, str, Reporter], list[Outcome]]
SOLVE: Final[dict[str, Solve]] = {
    "adam": _adam,
    "lbfgs": _lbfgs,
    "mlp": _mlp,
    "boosting": _boosting,
    "gru": _sequence,
    "attention": _sequence,
    "ordinal": _ordinal,
    "regression": _regression,
}
"""How an epoch of a solver, or of another head, is trained."""
