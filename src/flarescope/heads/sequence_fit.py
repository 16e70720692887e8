"""How is a recurrent or attention head trained on cached features, with torch, to the same head every time?"""

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Final

import numpy as np

from flarescope.errors import FlarescopeError
from flarescope.features.gather import Rows, batches
from flarescope.heads.adam import epoch_order
from flarescope.heads.head import Recipe, reference_class_weight
from flarescope.heads.lbfgs import standardise
from flarescope.heads.sequence import ARRAYS, SequenceHead, parted, shapes_of

if TYPE_CHECKING:
    import torch

LEARNED: Final = frozenset({name for names in ARRAYS.values() for name in names} - {"mean", "inverse", "images"})
WEIGHT_DECAY: Final = 0.01
"""Of AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101), on all weights: a few hundred regions are little."""


def fit_sequence(
    kind: str,
    rows: Rows | np.ndarray,
    labels: np.ndarray,
    recipe: Recipe,
    *,
    images: int,
    progress: Callable[[int], None] | None = None,
) -> SequenceHead:
    """Train a head by AdamW, one thread, by the recipe's epochs, batch, learning rate, class weights, width and seed.

    Args:
        kind: `gru` or `attention`.
        rows: N rows of `features.history.HistoryRows`, stacked.
        labels: `(N,)` 0/1.
        recipe: the choices.
        images: K, of earlier images.
        progress: called with the rows of each finished step.

    Raises:
        FlarescopeError: the training diverged.
    """
    import torch

    mean, inverse = _scaling(rows, images)
    weights = np.array(recipe.class_weight or reference_class_weight(labels), np.float32)[np.asarray(labels, np.int64)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the same bytes on any number of cores
    try:
        arrays = _first(shapes_of(kind, len(mean), recipe.hidden, images), recipe.seed)
        step = torch.optim.AdamW(
            arrays.values(), lr=recipe.learning_rate, betas=(recipe.beta_1, recipe.beta_2), weight_decay=WEIGHT_DECAY
        )
        for epoch in range(1, recipe.epochs + 1):
            order, start = epoch_order(len(rows), recipe, epoch), 0
            with closing(batches(rows, order, recipe.batch)) as stream:
                for x in stream:
                    part = order[start : start + len(x)]
                    found = _log_odds(kind, arrays, *_tensors(x, images, mean, inverse))
                    loss = torch.nn.functional.binary_cross_entropy_with_logits(
                        found, torch.from_numpy(labels[part].astype(np.float32)), torch.from_numpy(weights[part])
                    )
                    step.zero_grad()
                    loss.backward()  # type: ignore[no-untyped-call]
                    step.step()
                    start += len(x)
                    if progress:
                        progress(len(x))
    finally:
        torch.set_num_threads(threads)
    kept = {name: array.detach().numpy().astype(np.float32) for name, array in arrays.items()}
    if not all(np.isfinite(array).all() for array in kept.values()):
        raise FlarescopeError("training diverged: the head's numbers are not finite; lower --learning-rate")
    return SequenceHead(
        kind, {**kept, "mean": mean, "inverse": inverse, "images": np.array([images], np.float32)}
    ).check()


def _scaling(rows: Rows | np.ndarray, images: int) -> tuple[np.ndarray, np.ndarray]:
    """Give mean and inverse deviation of each feature over the images themselves, `(F,)` float32 each."""
    scaling = standardise(rows)
    features = (len(scaling.mean) - images) // (1 + images)
    return scaling.mean[:features].astype(np.float32), scaling.inverse[:features].astype(np.float32)


def _first(shapes: Mapping[str, tuple[int, ...]], seed: int) -> "dict[str, torch.Tensor]":
    """Draw what training begins with: Glorot-uniform matrices, zero biases."""
    import torch

    rng, drawn = np.random.default_rng([seed, 0]), {}
    for name, shape in shapes.items():
        if name not in LEARNED:
            continue
        limit = np.sqrt(6 / (shape[0] + (shape[1] if len(shape) > 1 else 1)))
        flat = name.endswith("bias") or name in ("constant", "hours")
        values = np.zeros(shape) if flat else rng.uniform(-limit, limit, shape)
        drawn[name] = torch.tensor(values.astype(np.float32), requires_grad=True)
    return drawn


def _tensors(x: np.ndarray, images: int, mean: np.ndarray, inverse: np.ndarray) -> "tuple[torch.Tensor, torch.Tensor]":
    import torch

    steps, missing = parted(x, images)
    return torch.from_numpy(((steps - mean) * inverse).astype(np.float32)), torch.from_numpy(missing)


def _log_odds(
    kind: str, own: "dict[str, torch.Tensor]", scaled: "torch.Tensor", missing: "torch.Tensor"
) -> "torch.Tensor":
    """Compute what `SequenceHead` computes, with gradients."""
    import torch

    brought = torch.tanh(scaled @ own["project"] + own["project_bias"])
    seen = _recurrent(own, brought, missing) if kind == "gru" else _attending(own, brought, missing)
    return seen @ own["output"] + own["constant"][0]


def _recurrent(own: "dict[str, torch.Tensor]", brought: "torch.Tensor", missing: "torch.Tensor") -> "torch.Tensor":
    import torch

    hidden = brought.shape[2]
    state = torch.zeros(len(brought), hidden)
    for place in [*range(brought.shape[1] - 1, 0, -1), 0]:
        gates = brought[:, place] @ own["input"] + own["input_bias"]
        held = state @ own["hidden"] + own["hidden_bias"]
        reset = torch.sigmoid(gates[:, :hidden] + held[:, :hidden])
        update = torch.sigmoid(gates[:, hidden : 2 * hidden] + held[:, hidden : 2 * hidden])
        new = torch.tanh(gates[:, 2 * hidden :] + reset * held[:, 2 * hidden :])
        state = torch.where(missing[:, place, None], state, (1 - update) * new + update * state)
    return state


def _attending(own: "dict[str, torch.Tensor]", brought: "torch.Tensor", missing: "torch.Tensor") -> "torch.Tensor":
    import torch

    image, earlier = brought[:, 0], brought[:, 1:] + own["hours"]
    score = torch.einsum("nh,nkh->nk", image @ own["query"], earlier @ own["key"]) / brought.shape[2] ** 0.5
    score = torch.where(missing[:, 1:], torch.tensor(-torch.inf), score.clamp(max=60.0))
    weight = torch.exp(score - score.max(dim=1, keepdim=True).values.clamp(min=-60.0))
    weight = weight / weight.sum(dim=1, keepdim=True).clamp(min=1e-30)
    return torch.cat([image, torch.einsum("nk,nkh->nh", weight, earlier @ own["value"])], dim=1)
