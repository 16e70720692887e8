"""What are the probability scores of rows as they are, each row once, whatever its region?"""

import numpy as np

from flarescope.scores.probability import ProbabilityScorer


def probability_scores(labels, probability, *, climatology=None):
    """Every score of `definitions.PROBABILISTIC` by name: the scorer with one region of weight 1."""
    scorer = ProbabilityScorer(labels, probability, np.zeros(len(labels), np.intp), climatology=climatology)
    return {name: float(value[0]) for name, value in scorer(np.ones((1, 1))).items()}
