"""How often do 95 % intervals by blocks of time hold the true score of a series of the whole disk?

    python benchmarks/block_coverage.py [--trials 1000] [--days 250 1000] [--population weeks] [--json FILE]

A series has a row every three hours. What makes events is the sum of processes that forget themselves as exp(-t / s),
as s = 20 hours and s = 5 days; the forecast sees it with an error of its own that is made in the same way. An event is
the highest sixth. So the TSS of the series is known, from a series of half a million rows. In the population `days`
the slow part is small and the error is forgotten within two days; in `weeks` its autocorrelation is about that of
published hourly networks (.28 at 24 hours, below .1 from 86 hours on). Intervals are made as the program
makes them, by days, by weeks, by Carrington rotations, and by the blocks that it chooses itself (`auto`, by
`scores.memory`).
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from flarescope.blocks import time_blocks
from flarescope.scores.bootstrap import Interval
from flarescope.scores.contingency import count
from flarescope.scores.jackknife import PERCENTILE, effective_number, interval_method
from flarescope.scores.memory import error_memory, usual_blocks
from interval_coverage import Rows, intervals

STEP_HOURS = 3.0
FAST_HOURS, SLOW_HOURS = 20.0, 120.0
POPULATIONS = {"days": 0.05, "weeks": 0.7}
"""Share of the slow part in the variance."""
RATE = 1 / 6
THRESHOLD = 0.3
SCORES = ("tss", "hss", "bss_sample")
LONG = 500_000
DAYS = (250, 1000)

Made = tuple[str, dict[str, dict[str, Interval]]]


def process(rng: np.random.Generator, rows: int, memory_hours: float) -> np.ndarray:
    """Draw a stationary Gaussian process of variance 1 whose autocorrelation is exp(-t / memory_hours), `(rows,)`."""
    keep = np.exp(-STEP_HOURS / memory_hours)
    steps = rng.normal(size=rows) * np.sqrt(1 - keep**2)
    return np.asarray(lfilter([1], [1, -keep], steps, zi=[keep * rng.normal()])[0])


def mixed(rng: np.random.Generator, rows: int, slow: float) -> np.ndarray:
    """Give a fast and a slow process together, variance 1."""
    fast = process(rng, rows, FAST_HOURS)
    return np.sqrt(1 - slow) * fast + np.sqrt(slow) * process(rng, rows, SLOW_HOURS)


def draw(population: str, rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels and probabilities of a series, `(rows,)` each."""
    slow = POPULATIONS[population]
    activity = mixed(rng, rows, slow)
    labels = (activity > 0.967).astype(int)  # the highest sixth of a normal distribution
    seen = 0.8 * activity + 0.6 * mixed(rng, rows, slow)
    return labels, 1 / (1 + np.exp(-2.5 * (seen - 1.1)))


def truth(population: str, seed: int = 0) -> dict[str, float]:
    """Give the scores of a series so long that they have hardly an error."""
    labels, probability = draw(population, np.random.default_rng([seed, 1]), LONG)
    scores = count(labels, probability >= THRESHOLD).all_scores()
    scores["bss_sample"] = float(1 - np.mean((probability - labels) ** 2) / np.var(labels))
    return {name: scores[name] for name in SCORES}


def series_times(days: int) -> "pd.Series[pd.Timestamp]":
    """Give the times of a series, from 2012 on."""
    rows = round(24 * days / STEP_HOURS)
    return pd.Series(pd.date_range("2012-01-01", periods=rows, freq=f"{STEP_HOURS:g}h", tz="UTC"))


def trial(population: str, rng: np.random.Generator, times: "pd.Series[pd.Timestamp]", seed: int) -> Made:
    """Draw a series and make its intervals: which blocks are chosen, and blocks -> score -> interval."""
    labels, probability = draw(population, rng, len(times))
    chosen = usual_blocks(times, error_memory(times, probability - labels), 24)
    found: dict[str, dict[str, Interval]] = {}
    for blocks in ("day", "week", "carrington"):
        codes = pd.factorize(time_blocks(times, blocks=blocks, window_hours=24)[0])[0]
        sums = [np.bincount(codes, one) for one in (labels, 1 - labels)]
        deciding = min(int(np.count_nonzero(one)) for one in sums)
        method = interval_method(deciding, min(map(effective_number, sums)))
        made = intervals(Rows(labels, probability, codes), seed, 500)
        found[blocks] = made["percentile" if method == PERCENTILE else "few regions"]
    return chosen, found | {"auto": found[chosen]}


def coverage(population: str, days: int, *, trials: int, seed: int = 0) -> dict[str, Any]:
    """Give the share of the trials whose interval holds the true score, and how often which blocks were chosen."""
    true, rng, times = truth(population, seed), np.random.default_rng([seed, days]), series_times(days)
    held: dict[str, dict[str, float]] = {}
    chosen: dict[str, int] = {}
    for number in range(trials):
        word, found = trial(population, rng, times, number)
        chosen[word] = chosen.get(word, 0) + 1
        for blocks, made in found.items():
            for name in SCORES:
                inside = made[name].low <= true[name] <= made[name].high
                held.setdefault(blocks, dict.fromkeys(SCORES, 0.0))[name] += inside / trials
    return {"held": held, "chosen": chosen}


def main() -> None:
    """Print a line a population and length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--days", type=int, nargs="+", default=DAYS)
    parser.add_argument("--population", nargs="+", choices=POPULATIONS, default=list(POPULATIONS))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for population in options.population:
        labels, probability = draw(population, np.random.default_rng(2), LONG)
        memory = error_memory(series_times(round(LONG * STEP_HOURS / 24)), probability - labels)
        print(f"{population}: {truth(population)}, {memory}, {options.trials} trials", flush=True)
        found[population] = {}
        for days in options.days:
            one = coverage(population, days, trials=options.trials)
            found[population][days] = one
            for blocks, shares in one["held"].items():
                said = ", ".join(f"{name} {value:.1%}" for name, value in shares.items())
                print(f"{days} days, {blocks}: {said}", flush=True)
            print(f"{days} days, chosen: {one['chosen']}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
