"""How do options that several verbs share stand in one place, and reach a verb as one value?"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any


def grouped(verb: Callable[..., None]) -> Callable[..., None]:
    """Let a verb take a dataclass of options: typer sees an option for each of its fields, the verb sees the value.

    Args:
        verb: a function whose parameters are options, but for those of a dataclass, whose fields are.
    """
    parameters = inspect.signature(verb).parameters.values()
    groups: dict[str, Any] = {one.name: one.annotation for one in parameters if is_dataclass(one.annotation)}
    flat = [option for one in parameters for option in (_options(one.annotation) if one.name in groups else [one])]

    @functools.wraps(verb)
    def called(**given: Any) -> None:  # noqa: ANN401 - what typer read
        values = {
            name: group(**{one.name: given.pop(one.name) for one in fields(group)}) for name, group in groups.items()
        }
        verb(**given, **values)

    called.__signature__ = inspect.Signature(flat)  # type: ignore[attr-defined]
    return called


def _options(group: Any) -> list[inspect.Parameter]:  # noqa: ANN401 - a dataclass
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [inspect.Parameter(one.name, kind, default=one.default, annotation=one.type) for one in fields(group)]


def names_of(group: type) -> tuple[str, ...]:
    """Give the names of the options of a dataclass."""
    return tuple(one.name for one in fields(group))
