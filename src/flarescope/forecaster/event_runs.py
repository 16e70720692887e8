"""What is in the folder of a run of several events?

Each event has a run of its own in it, with the files that a run of one event has: `events/M1.0_24h/`. Above them stand
`run.json`, which names the events, and one model file with all their heads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.events import EventDefinition
from flarescope.files import read_json, write_json
from flarescope.forecaster.runs import RunFolder
from flarescope.several_events import events_from_json, events_to_json, not_among, one_of

KIND: Final = "events"
"""What `run.json` says its run is of, and the folder of the runs."""
MODEL: Final = "model.hdf5"


def is_of_events(path: Path) -> bool:
    """Tell whether a folder holds a run of several events."""
    run_json = path / "run.json"
    return run_json.is_file() and read_json(run_json).get("kind") == KIND


@dataclass(frozen=True)
class EventRuns:
    """A run of several events.

    Attributes:
        path: the folder.
        events: in the order in which they were asked for.
    """

    path: Path
    events: tuple[EventDefinition, ...]

    __repr__ = brief

    @classmethod
    def open(cls, path: Path) -> "EventRuns":
        """Read which events a run has.

        Raises:
            InputError: no run of several events, or a damaged one.
        """
        if not is_of_events(path):
            raise InputError(f"{path}: no run of several events; `flarescope train` makes one of a table of several")
        described = read_json(path / "run.json")
        return cls(path, events_from_json(described.get("events"), str(path / "run.json")))

    @property
    def model(self) -> Path:
        """The file with the best models of all events."""
        return self.path / MODEL

    def run(self, event: EventDefinition) -> RunFolder:
        """The folder of one event."""
        return RunFolder(self.path / KIND / event.name)

    def runs(self) -> list[RunFolder]:
        """The folders of all events."""
        return [self.run(event) for event in self.events]

    def chosen(self, wanted: Sequence[EventDefinition]) -> list[EventDefinition]:
        """Give those of the events that are wanted; all where none is named.

        Raises:
            InputError: one that the run has not.
        """
        found = []
        for event in wanted or self.events:
            own = one_of(self.events, event)
            if own is None:
                raise InputError(f"{self.path}: a run of {not_among(self.events, event)}")
            found.append(own)
        return found

    def write(self, finished: bool) -> None:
        """Write `run.json`."""
        write_json(self.path / "run.json", self.to_json() | {"finished": finished})

    def to_json(self) -> dict[str, Any]:
        """Give what `run.json` says, but for whether training has ended."""
        runs = [f"{KIND}/{event.name}" for event in self.events]
        return {"kind": KIND, "events": events_to_json(self.events), "runs": runs, "model": MODEL}


def run_of_event(path: Path, event: EventDefinition | None) -> Path:
    """Give the folder of one event of a run of several; any other path as it is.

    Raises:
        InputError: several events and none chosen, or one that the run has not.
    """
    if not path.is_dir() or not is_of_events(path):
        return path
    several = EventRuns.open(path)
    if event is None:
        raise InputError(f"{path}: a run of {len(several.events)} events; choose one: --event {several.events[0].code}")
    return several.run(several.chosen([event])[0]).path
