"""Which heads does a sweep train: what combinations of choices are there, and what are they called?"""

import itertools
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.features.history import History, hours_text
from flarescope.heads.head import HEADS, JOINT, SEQUENCE, SOLVERS, Recipe


@dataclass(frozen=True)
class Combination:
    """One choice of everything that is swept; its seed is a choice too.

    Attributes:
        recipe: of the head.
        history: to which earlier images it looks back; None to none.
    """

    recipe: Recipe
    history: History | None = None

    def name(self) -> str:
        """Name its folder, such as `lr0.001_w4.09_seed0`, `lbfgs_l2-0.0001_w4.09` or `h6-12-24_gru64_lr0.001_...`."""
        history = self.history
        if history is None:
            return run_name(self.recipe)
        form = "d" if history.form == "difference" else ""
        return f"h{form}{hours_text(history.hours).replace(',', '-')}_{run_name(self.recipe)}"


@dataclass(frozen=True)
class Grid:
    """The combinations of a sweep.

    Attributes:
        learning_rates: of Adam, for linear heads, `mlp`, `gru` and `attention`.
        class_weights: as in `Recipe`; None is the reference formula. `ordinal` and `regression` have none.
        seeds: of Adam's first head and order, and of boosted trees.
        solvers: of linear heads: `adam`, `lbfgs`, or both.
        l2: penalties of L-BFGS, `ordinal` and `regression`.
        heads: of `flarescope.Recipe`'s, one or several.
        hidden: units of `mlp`, `gru` and `attention`.
        histories: to which earlier images heads look back; None to none. `gru` and `attention` take stacked ones alone.

    Example:
        >>> grid = flarescope.Grid(learning_rates=(0.001, 0.01), seeds=(0, 1, 2))
        >>> len(grid.recipes(flarescope.Recipe()))
        6
    """

    learning_rates: tuple[float, ...] = (0.001,)
    class_weights: tuple[tuple[float, float] | None, ...] = (None,)
    seeds: tuple[int, ...] = (0,)
    solvers: tuple[str, ...] = ("adam",)
    l2: tuple[float, ...] = (1e-4,)
    heads: tuple[str, ...] = ("linear",)
    hidden: tuple[int, ...] = (64,)
    histories: tuple[History | None, ...] = (None,)

    __repr__ = brief

    def __post_init__(self) -> None:
        if unknown := [head for head in self.heads if head not in HEADS]:
            raise InputError(f"--head {unknown[0]}: expected one of {', '.join(HEADS)}")
        at_work = {solver for solver in self.solvers if "linear" in self.heads} | set(self.heads)
        for name, takers in _TAKERS.items():
            if getattr(self, name) != getattr(Grid, name) and not at_work & set(takers):
                option = name.removesuffix("s").replace("_", "-")
                other = f"--solver {takers[0]}" if takers[0] in SOLVERS else f"--head {takers[0]}"
                raise InputError(f"--{option}: without meaning without {other}; leave it out, or add it")
        looks_back = next((head for head in self.heads if head in SEQUENCE), None)
        if looks_back and not any(_is_stacked(one) for one in self.histories):
            raise InputError(f"--head {looks_back} looks at earlier images too: give --history, as 6,12,24, stacked")

    def combinations(self, base: Recipe) -> list[Combination]:
        """Give all combinations, those of one history after one another; see `recipes`."""
        recipes = self.recipes(base)
        pairs = itertools.product(self.histories, recipes)
        return [Combination(own, past) for past, own in pairs if own.head not in SEQUENCE or _is_stacked(past)]

    def recipes(self, base: Recipe) -> list[Recipe]:
        """Give the recipe of each combination; `base` has the choices that all of Adam's share.

        Raises:
            InputError: a value out of range; choices for Adam where it takes no part.
        """
        idle = [name for name, value in asdict(base).items() if value != getattr(Recipe(), name)]
        linear = self.solvers if "linear" in self.heads else ()
        if "adam" not in linear and not {"mlp", *SEQUENCE} & set(self.heads) and idle:
            option = idle[0].replace("_", "-")
            raise InputError(f"--{option}: without meaning without --solver adam; leave it out, or add the solver")
        found = []
        for solver, weight in itertools.product(linear, self.class_weights):
            if solver == "adam":
                for rate, seed in itertools.product(self.learning_rates, self.seeds):
                    found.append(replace(base, learning_rate=rate, class_weight=weight, seed=seed))
            else:
                found += [Recipe(solver=solver, l2=l2, class_weight=weight) for l2 in self.l2]
        for weight, seed in itertools.product(self.class_weights, self.seeds):
            found += self._layers(base, weight, seed)
            if "boosting" in self.heads:
                found.append(Recipe(head="boosting", class_weight=weight, seed=seed))
        joint = itertools.product([head for head in self.heads if head in JOINT], self.l2)
        return found + [Recipe(head=head, l2=l2) for head, l2 in joint]

    def _layers(self, base: Recipe, weight: tuple[float, float] | None, seed: int) -> list[Recipe]:
        """Give the recipes of heads with a hidden layer, which know of `base` what `heads.head.HEADS` says."""
        found = []
        for head in (one for one in self.heads if one in ("mlp", *SEQUENCE)):
            known = {name: getattr(base, name) for name in HEADS[head]}
            for rate, hidden in itertools.product(self.learning_rates, self.hidden):
                swept: dict[str, Any] = {"learning_rate": rate, "hidden": hidden, "class_weight": weight, "seed": seed}
                found.append(Recipe(**{**known, **swept, "head": head}))
        return found


_TAKERS: Final = {
    "learning_rates": ("adam", "mlp", *SEQUENCE),
    "seeds": ("adam", "mlp", "boosting", *SEQUENCE),
    "l2": ("lbfgs", *JOINT),
    "hidden": ("mlp", *SEQUENCE),
    "class_weights": ("adam", "lbfgs", "mlp", "boosting", *SEQUENCE),
}
"""Which solvers and heads know the choices of a grid."""


def _is_stacked(history: History | None) -> bool:
    return history is not None and history.form == "stack"


def run_name(recipe: Recipe) -> str:
    """Name a recipe, such as `lr0.001_w4.09_seed0` or `lbfgs_l2-0.0001_w4.09`; `wref`: each event's own weights."""
    if recipe.head in JOINT:
        return f"{recipe.head}_l2-{recipe.l2:g}"
    weight = "wref"
    if recipe.class_weight is not None:
        none, event = recipe.class_weight
        weight = f"w{event:.3g}" if none == 1 else f"w{none:.3g}-{event:.3g}"
    if recipe.head == "boosting":
        return f"boosting_{weight}_seed{recipe.seed}"
    if recipe.head != "linear":
        return f"{recipe.head}{recipe.hidden}_lr{recipe.learning_rate:g}_{weight}_seed{recipe.seed}"
    if recipe.solver == "lbfgs":
        return f"lbfgs_l2-{recipe.l2:g}_{weight}"
    return f"lr{recipe.learning_rate:g}_{weight}_seed{recipe.seed}"
