"""What is the cross-entropy of probabilistic forecasts, as Keras computes it?"""

from typing import Final

import numpy as np

KERAS_EPSILON: Final = 1e-7
"""Keras clips probabilities to epsilon .. 1 - epsilon before the logarithm (`keras.config.epsilon()`)."""


def cross_entropy(labels: np.ndarray, probability: np.ndarray, *, clip: float = KERAS_EPSILON) -> float:
    """Give the mean, unweighted categorical cross-entropy.

    Args:
        labels: `(N,)` 0/1.
        probability: `(N,)` forecast probability of an event, 0..1.
        clip: probabilities of what happened are kept within clip .. 1 - clip.

    Returns:
        The mean of -log(probability of what happened), natural logarithm; 0 is perfect. NaN for N = 0.
    """
    if len(labels) == 0:
        return float("nan")
    of_truth = np.where(np.asarray(labels) == 1, probability, 1 - probability)
    smallest = max(clip, float(np.finfo(np.float64).tiny))  # without a clip the loss of a certain miss stays finite
    return float(-np.log(np.clip(of_truth, smallest, 1 - clip)).mean())


def cross_entropy_of_log_odds(
    labels: np.ndarray, log_odds: np.ndarray, *, clip: float = 0.0, weights: np.ndarray | None = None
) -> float:
    """Give the same mean cross-entropy from log-odds, exact also where the probability rounds to 0 or 1.

    Args:
        labels: `(N,)` 0/1.
        log_odds: `(N,)` log(p / (1 - p)) of an event.
        clip: as in `cross_entropy`; 0 for none.
        weights: `(N,)`, of each row; the weighted sum is divided by N as in Keras, not by the sum of the weights.
    """
    if len(labels) == 0:
        return float("nan")
    return float(losses_of_log_odds(labels, log_odds, clip=clip, weights=weights).mean())


def losses_of_log_odds(
    labels: np.ndarray, log_odds: np.ndarray, *, clip: float = 0.0, weights: np.ndarray | None = None
) -> np.ndarray:
    """Give the cross-entropy of each row, `(N,)` float64, times its weight; as `cross_entropy_of_log_odds`."""
    wrong = np.where(np.asarray(labels) == 1, -log_odds, log_odds)
    losses = np.logaddexp(0, wrong, dtype=np.float64)
    if clip:
        losses = np.clip(losses, -np.log1p(-clip), -np.log(clip))
    return np.asarray(losses if weights is None else losses * weights)
