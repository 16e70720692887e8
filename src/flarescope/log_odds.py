"""How do probabilities and log odds become each other?"""

import numpy as np


def sigmoid(log_odds: np.ndarray) -> np.ndarray:
    """Give the probability of log odds, without overflow."""
    small = np.exp(-np.abs(log_odds))
    return np.asarray(np.where(log_odds >= 0, 1 / (1 + small), small / (1 + small)))


def logit(probability: np.ndarray, *, smallest: float) -> np.ndarray:
    """Give ln(p / (1 - p)); p is kept `smallest` from 0 and 1."""
    p = np.clip(np.asarray(probability, np.float64), smallest, 1 - smallest)
    return np.asarray(np.log(p) - np.log1p(-p))
