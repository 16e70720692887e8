"""How are the arrays of a model, backbone and heads, written for a program that builds the network itself?"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save

from flarescope.exporting.metadata import KEY
from flarescope.forecaster.as_torch import LogOdds


def write_state_dict(module: LogOdds, path: Path, *, said: Mapping[str, Any]) -> None:
    """Write safetensors: `backbone.*` under the network's own names, `head.weight` `(E, F)` and `head.bias` `(E,)`.

    The log-odds of the events are `features @ weight.T + bias`; of heads that are not all linear each event has
    arrays of its own, `head.events.0.*`, as `heads.mlp` has them. Calibration and all else stand in the header, key
    `flarescope`, as JSON. No code is in it.
    """
    state = {name: values.detach().clone().contiguous() for name, values in module.state_dict().items()}
    path.write_bytes(save(state, {KEY: json.dumps(dict(said))}))  # save_file lets nobody else read the file
