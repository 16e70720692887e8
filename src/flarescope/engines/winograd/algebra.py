"""What are the matrices of Winograd's minimal filtering F(4x4, 3x3), and what do filters turn into?

A tile of 4x4 outputs of a 3x3 convolution takes 144 multiplications a channel directly and 36 here: a filter and 6x6
inputs are each turned into 36 numbers, these are multiplied and summed over the channels, and the sums are turned into
the 16 outputs (Winograd 1980; Lavin & Gray 2016, arXiv 1509.09308). The turns are polynomials evaluated at five points
and at infinity, by the Toom-Cook construction. The usual points 0, 1, -1, 2, -2 amplify rounding errors; 0, 3/4, -3/4,
3/2, -3/2, whose powers are as exact in binary, do so less, and VGG16's features in bf16 come as close to those in fp32
as by a direct convolution in bf16 (docs/performance.md).
"""

from typing import Final

import numpy as np

POINTS: Final = (0.0, 0.75, -0.75, 1.5, -1.5)
"""Where the polynomials are evaluated, besides infinity."""

OUTPUTS: Final = 4
"""Outputs of a tile along each axis."""

INPUTS: Final = 6
"""Inputs of a tile along each axis: two more than outputs, for a filter of three."""

PRODUCTS: Final = INPUTS * INPUTS
"""Numbers that a tile or a filter is turned into."""


def input_matrix() -> np.ndarray:
    """Give B^T `(6, 6)` float64, which turns six inputs: row i has the product of x - p over the other points p."""
    matrix = np.zeros((INPUTS, INPUTS))
    for row, point in enumerate(POINTS):
        matrix[row, :-1] = np.poly([other for other in POINTS if other != point])[::-1]
    matrix[-1] = np.poly(POINTS)[::-1]
    return matrix


def filter_matrix() -> np.ndarray:
    """Give G `(6, 3)` float64, which turns a filter of three: its polynomial at each point, by Lagrange's divisor."""
    matrix = np.zeros((INPUTS, 3))
    for row, point in enumerate(POINTS):
        matrix[row] = point ** np.arange(3) / np.prod([point - other for other in POINTS if other != point])
    matrix[-1, -1] = 1
    return matrix


def output_matrix() -> np.ndarray:
    """Give A^T `(4, 6)` float64, which turns six sums of products into four outputs."""
    matrix = np.zeros((OUTPUTS, INPUTS))
    for column, point in enumerate(POINTS):
        matrix[:, column] = point ** np.arange(OUTPUTS)
    matrix[-1, -1] = 1
    return matrix


def turned_filters(taps: np.ndarray) -> np.ndarray:
    """Turn filters g of 3x3 into G g G^T.

    Args:
        taps: `(9, ...)` float32, row by row.

    Returns:
        `(36, ...)` float32, computed in float64.
    """
    both = np.kron(filter_matrix(), filter_matrix())
    flat = taps.reshape(9, -1).astype(np.float64)
    turned: np.ndarray = (both @ flat).astype(np.float32)
    return turned.reshape(PRODUCTS, *taps.shape[1:])
