"""Which words may be given to an option more than once? typer takes a Literal only alone."""

from enum import StrEnum


class SolverWord(StrEnum):
    """The words of `options.SolverName`."""

    adam = "adam"
    lbfgs = "lbfgs"


class HeadWord(StrEnum):
    """The words of `options.HeadName`."""

    linear = "linear"
    ordinal = "ordinal"
    regression = "regression"
    mlp = "mlp"
    boosting = "boosting"
    gru = "gru"
    attention = "attention"


class HistoryFormWord(StrEnum):
    """The words of `options.HistoryFormName`."""

    stack = "stack"
    difference = "difference"
