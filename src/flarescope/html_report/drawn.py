"""What is a figure of the page with its words, and how does a list of a verification become numbers?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawn:
    """A figure with its words.

    Attributes:
        figure: the drawing.
        alt: what it shows, in a sentence.
        caption: how to read it.
    """

    figure: Figure
    alt: str
    caption: str


def numbers(values: Sequence[float | None]) -> np.ndarray:
    """Turn a list of a verification into `(N,)` float64, None into NaN."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def columns(lists: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Turn equally long lists of a verification into columns of float64."""
    return pd.DataFrame({name: numbers(values) for name, values in lists.items()})
