"""Where can a converted network be cut in two, so that the parts are computed one after the other?"""

from collections.abc import Mapping
from typing import Any

import openvino
from openvino import opset13 as ops

Result = tuple[str, int]
"""Of an operation: its name, and which of its results."""


def places(graph: Any, multiplications: Mapping[str, float]) -> dict[str, float]:  # noqa: ANN401 - openvino is untyped
    """Name operations behind which a network can be cut: all that goes over the cut are floating-point numbers.

    Args:
        graph: with names that are its operations' own, as OpenVINO's files have them.
        multiplications: see `openvino_marks.multiplications_of`.

    Returns:
        How much of the multiplications is behind the operation, as part of all, 0..1, by its name; from little to much.
        Of several with the same number the last.
    """
    steps = _steps(graph)
    behind = total = sum(multiplications.values())
    found: dict[float, str] = {}
    for step, crossing in zip(steps, _crossing(steps), strict=True):
        behind -= multiplications.get(step.get_friendly_name(), 0)
        if crossing and all(value.get_element_type().is_real() for value in crossing.values()):
            found[behind] = step.get_friendly_name()
    return {found[number]: number / total for number in sorted(found) if number > 0}


def cut(graph: Any, place: str) -> tuple[Any, Any]:  # noqa: ANN401
    """Cut a network in two behind an operation.

    Args:
        graph: it is changed, and of no use afterwards.
        place: one of `places`.

    Returns:
        The part from pixels to what goes over the cut, and the part from there to features, in the same order.
    """
    steps = _steps(graph)
    names = [step.get_friendly_name() for step in steps]
    crossing = list(_crossing(steps)[names.index(place)])
    first = graph.clone()
    made = {step.get_friendly_name(): step for step in _steps(first)}
    head = openvino.Model([ops.result(made[name].output(of)) for name, of in crossing], first.get_parameters())
    by_name = dict(zip(names, steps, strict=True))
    taken = []
    for name, of in crossing:
        value = by_name[name].output(of)
        parameter = ops.parameter(value.get_partial_shape(), value.get_element_type())
        for place_of_use in value.get_target_inputs():
            place_of_use.replace_source_output(parameter.output(0))
        taken.append(parameter)
    return head, openvino.Model(graph.get_results(), taken)


def _steps(graph: Any) -> list[Any]:  # noqa: ANN401
    """Give the operations that depend on the pixels, each behind those whose results it takes."""
    found: dict[str, Any] = {}
    for node in graph.get_ordered_ops():
        if node.get_type_name() == "Parameter" or any(_result(value)[0] in found for value in node.input_values()):
            found[node.get_friendly_name()] = node
    return list(found.values())


def _crossing(steps: list[Any]) -> list[dict[Result, Any]]:
    """Give for each step the results of it and those before it that later ones take."""
    last = {_result(value): place for place, step in enumerate(steps) for value in step.input_values()}
    found: list[dict[Result, Any]] = []
    open_ones: dict[Result, Any] = {}
    for place, step in enumerate(steps):
        known = open_ones | {_result(value): value for value in step.outputs()}
        open_ones = {name: value for name, value in known.items() if last.get(name, -1) > place}
        found.append(open_ones)
    return found


def _result(value: Any) -> Result:  # noqa: ANN401
    return value.get_node().get_friendly_name(), value.get_index()
