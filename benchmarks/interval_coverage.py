"""How often do 95 % intervals hold the true score, by the number of regions with events?

    python benchmarks/interval_coverage.py [--trials 1000] [--regions 10 20 40 80] [--json FILE]

Regions are drawn from a made population whose scores are known, forecast and scored, again and again. A region has its
own share of events, its own error of the forecast, and 10 to 60 images. The number of regions is fixed, that of event
regions varies about the one given. In the population `alike` the shares are of the distribution Beta(0.2, 0.8): three
of five regions have events. In `unlike` the logit of the share is normal about -5.2 with deviation 3: one of three has
events, and a few regions have most of them. "few regions" is what the program does where few regions have events: the
jackknife over regions, for TSS by its two rates, and the bootstrap-t for HSS.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flarescope.scores.bootstrap import CategoricalScorer, Interval, Scorer, percentile_interval, resample
from flarescope.scores.categorical import four_scores
from flarescope.scores.contingency import count
from flarescope.scores.jackknife import degrees_of_freedom, effective_number, jackknife_interval, without_each
from flarescope.scores.probability import region_sums
from flarescope.scores.studentized import yes_no_intervals

SIZES = (10, 20, 40, 80)
TRIALS = 1000
REPLICATES = 1000
THRESHOLD = 0.3
POPULATION = 200_000
POPULATIONS = ("alike", "unlike")
SCORES = {"tss": ("yes", (-1.0, 1.0)), "hss": ("yes", (-1.0, 1.0)), "bss_sample": ("p", (-np.inf, 1.0))}


@dataclass(frozen=True)
class Rows:
    """Labels, probabilities and regions (0 .. R - 1) of a sample, `(N,)` each."""

    labels: np.ndarray
    probability: np.ndarray
    codes: np.ndarray

    @property
    def event_regions(self) -> int:
        """How many regions have events."""
        return len(np.unique(self.codes[self.labels == 1]))


@dataclass(frozen=True)
class SkillScorer:
    """The Brier skill score alone, as `ProbabilityScorer` gives it, without its ranks: a hundred times as fast."""

    sums: np.ndarray

    @classmethod
    def of_rows(cls, rows: Rows) -> "SkillScorer":
        """Sum over each region: images, events, squared errors."""
        columns = [np.ones(len(rows.labels)), rows.labels, (rows.probability - rows.labels) ** 2]
        return cls(region_sums(np.stack(columns, axis=1), rows.codes, int(rows.codes.max()) + 1))

    def __call__(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Score replicates: weights `(B, R)` -> name -> `(B,)`."""
        images, events, squares = (weights @ self.sums).T
        variance = np.where((events > 0) & (events < images), events / images * (1 - events / images), np.nan)
        return {"bss_sample": 1 - squares / images / variance}


def draw(population: str, rng: np.random.Generator, regions: int) -> Rows:
    """Draw regions from a population."""
    codes = np.repeat(np.arange(regions), rng.integers(10, 61, regions))
    if population == "alike":
        share = np.clip(rng.beta(0.2, 0.8, regions), 1e-4, 1 - 1e-4)
        activity = np.log(share / (1 - share))
        known = 0.7 * np.clip(activity, -4, 4) - 0.5 + rng.normal(0, 1, regions)
    else:
        activity = rng.normal(-5.2, 3, regions)
        known = activity + rng.normal(0, 1.5, regions)
    labels = rng.random(len(codes)) < 1 / (1 + np.exp(-activity[codes]))
    seen = known[codes] + rng.normal(0, 1, len(codes))
    return Rows(labels.astype(int), 1 / (1 + np.exp(-seen)), codes)


def truth(population: str, seed: int = 0) -> tuple[dict[str, float], float]:
    """Give the scores of the population, and the share of its regions that have events."""
    rows = draw(population, np.random.default_rng([seed, 1]), POPULATION)
    counted = count(rows.labels, rows.probability >= THRESHOLD).all_scores()
    brier = np.mean((rows.probability - rows.labels) ** 2)
    scores = counted | {"bss_sample": float(1 - brier / np.var(rows.labels))}
    return {name: scores[name] for name in SCORES}, rows.event_regions / POPULATION


def intervals(rows: Rows, seed: int, replicates: int) -> dict[str, dict[str, Interval]]:
    """Give both intervals of each score: method -> score -> interval."""
    regions = int(rows.codes.max()) + 1
    yes = CategoricalScorer.of_rows(rows.labels, rows.probability >= THRESHOLD, rows.codes)

    def four(weights: np.ndarray) -> dict[str, np.ndarray]:  # not all fourteen: six times as fast
        return four_scores(*(weights @ yes.counts).T)

    scorers: dict[str, Scorer] = {"yes": four, "p": SkillScorer.of_rows(rows)}
    values = {key: scorer(np.ones((1, regions))) for key, scorer in scorers.items()}
    drawn, left = resample(scorers, regions, replicates=replicates, seed=seed), without_each(scorers, regions)
    classes = yes.counts[:, :2].sum(axis=1), yes.counts[:, 2:].sum(axis=1)
    freedom = degrees_of_freedom(min(map(effective_number, classes)))
    found: dict[str, dict[str, Interval]] = {"percentile": {}, "few regions": {}}
    for name, (key, bounds) in SCORES.items():
        value, without = float(values[key][name][0]), left[key][name]
        found["percentile"][name] = percentile_interval(drawn[key][name])
        found["few regions"][name] = jackknife_interval(value, without, freedom=freedom, bounds=bounds)
    better = yes_no_intervals([yes.counts], replicates=replicates, seed=seed)[0]
    found["few regions"] |= {name: one for name, one in better.items() if name in SCORES}
    return found


def coverage(
    population: str, event_regions: int, *, trials: int, seed: int = 0, replicates: int = REPLICATES
) -> dict[str, float]:
    """Give the share of the trials in which each interval holds the true score: `method score` -> share."""
    true, share = truth(population, seed)
    rng = np.random.default_rng([seed, event_regions])
    held: dict[str, int] = {}
    for trial in range(trials):
        rows = draw(population, rng, round(event_regions / share))
        for method, found in intervals(rows, trial, replicates).items():
            for name, interval in found.items():
                key = f"{method} {name}"
                held[key] = held.get(key, 0) + (interval.low <= true[name] <= interval.high)
    return {key: count / trials for key, count in held.items()}


def main() -> None:
    """Print a line a number of event regions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--regions", type=int, nargs="+", default=SIZES)
    parser.add_argument("--replicates", type=int, default=REPLICATES)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found: dict[str, dict[int, dict[str, float]]] = {}
    for population in POPULATIONS:
        print(f"{population}: {truth(population)[0]}, {options.trials} trials", flush=True)
        found[population] = {}
        for regions in options.regions:
            shares = coverage(population, regions, trials=options.trials, replicates=options.replicates)
            found[population][regions] = shares
            said = ", ".join(f"{key} {value:.1%}" for key, value in shares.items())
            print(f"{regions} event regions: {said}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
