"""With which choices is a network fine-tuned?"""

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

from flarescope.brief import brief
from flarescope.errors import InputError

AUGMENTATIONS: Final = ("east-west", "north-south", "rotate", "shift", "noise")
BALANCES: Final = ("weights", "sampling", "none")
STOPS: Final = ("tss", "loss")
PRECISIONS: Final = ("fp32", "bf16")
LORA: Final = "lora"


@dataclass(frozen=True)
class TuneRecipe:
    """The choices of a fine-tuning.

    Attributes:
        start: the first layer that is trained, such as `block5` (all behind it are trained too); `last:N`; `all`; or
            `lora`, which adds two thin matrices to each layer and trains these alone.
        epochs: passes over the training rows.
        batch: images a step, of all processes together.
        micro_batch: images that go through the network at a time in a process; a step adds up their gradients. None
            takes the process's share of the batch at once.
        learning_rate: AdamW's step size at the last layer of the network.
        head_rate: that of the head.
        layer_decay: factor on the step size from a layer to the one before it; 1 gives all the same.
        weight_decay: AdamW's, decoupled from the gradient (Loshchilov & Hutter 2019, arXiv 1711.05101).
        warmup: share of all steps in which the step size rises from nothing; then it falls as a cosine.
        patience: stop after so many epochs without a better validation score; None never stops early.
        stop_on: which score that is, and which epoch's model stands for the run: `tss`, or `loss` (log loss).
        balance: `weights` weighs events by class weights; `sampling` draws as many events as others, with repetition;
            `none` leaves rows as they are.
        class_weight: weights of no-event and event for `weights`; None is the reference's, 1 and N_no-event / N_event.
        augment: what is done to training images, of `AUGMENTATIONS`; see `augment`.
        precision: `fp32`, or `bf16` by PyTorch's autocast (weights and optimiser stay float32).
        checkpointing: whether activations within a layer are computed again on the way back instead of kept.
        rank: of LoRA's matrices.
        alpha: LoRA's factor is alpha / rank.
        seed: of order, samples and augmentations, and of LoRA's first matrices.

    Example:
        >>> flarescope.TuneRecipe(start="block5", epochs=3)
        TuneRecipe(start='block5', epochs=3)
    """

    start: str = "last:1"
    epochs: int = 5
    batch: int = 32
    micro_batch: int | None = None
    learning_rate: float = 1e-4
    head_rate: float = 1e-3
    layer_decay: float = 0.8
    weight_decay: float = 0.01
    warmup: float = 0.1
    patience: int | None = None
    stop_on: str = "tss"
    balance: str = "weights"
    class_weight: tuple[float, float] | None = None
    augment: tuple[str, ...] = AUGMENTATIONS
    precision: str = "fp32"
    checkpointing: bool = False
    rank: int = 8
    alpha: float = 16.0
    seed: int = 0

    __repr__ = brief

    def __post_init__(self) -> None:
        ranges = {
            "epochs": self.epochs >= 1,
            "batch": self.batch >= 1,
            "micro_batch": self.micro_batch is None or 1 <= self.micro_batch <= self.batch,
            "learning_rate": 0 <= self.learning_rate < math.inf,
            "head_rate": 0 <= self.head_rate < math.inf,
            "layer_decay": 0 < self.layer_decay <= 1,
            "weight_decay": 0 <= self.weight_decay < math.inf,
            "warmup": 0 <= self.warmup < 1,
            "patience": self.patience is None or self.patience >= 1,
            "stop_on": self.stop_on in STOPS,
            "balance": self.balance in BALANCES,
            "class_weight": self.class_weight is None or all(0 < one < math.inf for one in self.class_weight),
            "precision": self.precision in PRECISIONS,
            "rank": self.rank >= 1,
            "alpha": 0 < self.alpha < math.inf,
            "seed": self.seed >= 0,
        }
        for name, good in ranges.items():
            if not good:
                raise InputError(f"--{name.replace('_', '-')} {getattr(self, name)} is out of range; see the help")
        unknown = [name for name in self.augment if name not in AUGMENTATIONS]
        if unknown:
            raise InputError(f"--augment {unknown[0]}: expected none, all, or some of {','.join(AUGMENTATIONS)}")

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values; the rates depend on the number of epochs, which `schedule` therefore names too."""
        values = {**asdict(self), "class_weight": list(self.class_weight or ()), "augment": list(self.augment)}
        return {**values, "schedule": f"warm-up, then a cosine that ends with epoch {self.epochs}"}


def parse_augmentations(text: str) -> tuple[str, ...]:
    """Read `all`, `none`, or names with commas between; an unknown name is left to `TuneRecipe`."""
    if text in ("all", "none"):
        return AUGMENTATIONS if text == "all" else ()
    asked = tuple(name.strip() for name in text.split(","))
    return tuple(name for name in AUGMENTATIONS if name in asked) + tuple(set(asked) - set(AUGMENTATIONS))
