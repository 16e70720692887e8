"""Which options say how anybody's table of forecasts is read and decided, and which cannot mean anything for it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from flarescope.cli import options
from flarescope.errors import InputError

if TYPE_CHECKING:
    from flarescope.events import EventDefinition
    from flarescope.pipeline.comparing import Comparing
    from flarescope.pipeline.foreign_rows import Reading
    from flarescope.pipeline.verifying import Verifying

FormName = Literal["flarescope", "metoffice", "swpc"]
Columns = Annotated[
    str | None,
    typer.Option(
        help="What a table calls its columns: probability=flare_prob,label=target,time=timestamp; times may be paths.",
        show_default=False,
    ),
]
Percent = Annotated[bool, typer.Option("--percent", help="The table's probabilities are percent.")]
Form = Annotated[
    FormName,
    typer.Option(help="A table with columns; the Met Office's four-day text; SWPC's daily report or its JSON."),
]
LabelFlares = Annotated[
    Path | None,
    typer.Option(
        "--flares", help="Flare list that labels a table's rows, with --event and --window.", show_default=False
    ),
]
Regions = Annotated[
    list[Path] | None,
    typer.Option(
        "--regions",
        help="Region summaries (file, folder, tar), for the forecasts of the shipped models of regions as references; "
        "may be given again.",
        show_default=False,
    ),
]
Decided = Annotated[
    str | None,
    typer.Option(
        "--threshold",
        help="Of a table: 0.3; or by a rule on the rows of --choose-on: tss, hss, cost=10 (a miss is worth 10 false "
        "alarms).",
        show_default="0.5",
    ),
]
TableCalibration = Annotated[
    Literal["platt", "temperature", "isotonic"] | None,
    typer.Option("--calibration", help="Of a table, fitted on the rows of --choose-on.", show_default=False),
]
ChooseOn = Annotated[
    list[str] | None,
    typer.Option(
        "--choose-on",
        help="Rows that threshold and calibration are chosen on, none of them scored: a table, a split of the table, "
        "or a file of `calibrate TABLE`; of several forecasts one split, or one table for each.",
        show_default=False,
    ),
]
Resample = Annotated[
    str,
    typer.Option(
        metavar="WORD",
        help="What is resampled whole for intervals: region, harp, day, week, month, carrington, hours as 12h, or a "
        "column of the table; auto: the region, or a block of time longer than the error's memory.",
    ),
]
Climatology = Annotated[
    float | None,
    typer.Option(help="Event rate of the training set, for the skill against it.", show_default=False),
]


@dataclass(frozen=True)
class TableOptions:
    """Options of every verb that takes tables of forecasts: how they are read, and of which event they are."""

    columns: Columns = None
    percent: Percent = False
    form: Form = "flarescope"
    flares: LabelFlares = None
    event: options.StatedEvents = None
    window: options.StatedWindow = None
    latency: options.StatedLatency = None
    scope: options.StatedScope = None

    def reading(self) -> "Reading":
        """Say how a table of forecasts is read.

        Raises:
            InputError: columns that are no such list, or beside a form that has its own.
        """
        from flarescope.pipeline.foreign_columns import parse_columns
        from flarescope.pipeline.foreign_rows import Reading

        return Reading(parse_columns(self.columns), self.percent, self.form, self.flares)

    def events(self) -> "list[EventDefinition]":
        """Give the events that are stated (`options.events_of_options`)."""
        return options.events_of_options(self.event, self.window, self.latency, self.scope)


@dataclass(frozen=True)
class ScoringOptions(TableOptions):
    """Options of every verb that scores tables of forecasts besides: how they are decided, and by what intervals."""

    climatology: Climatology = None
    threshold: Decided = None
    calibration: TableCalibration = None
    choose_on: ChooseOn = None
    resample: Resample = "auto"
    replicates: options.Replicates = 2000

    def comparing(self, verifying: "Verifying", split: str = "test") -> "Comparing":
        """Say how forecasts are read, decided and compared."""
        from flarescope.pipeline.choosing import Choosing
        from flarescope.pipeline.comparing import Comparing

        return Comparing(
            split=split,
            climatology=self.climatology,
            event=options.only_one(self.events()),
            reading=self.reading(),
            choosing=Choosing(self.threshold, self.calibration),
            choose_on=tuple(self.choose_on or ()),
            verifying=verifying,
        )


STATED: Final = ("event", "window", "latency", "scope")
"""Options that state an event; of a run of several they choose among its own."""


def refuse_given(context: typer.Context, names: Sequence[str], why: str) -> None:
    """Refuse options that were typed and cannot mean anything here: none is passed over in silence.

    Args:
        context: of the command.
        names: of its parameters.
        why: what they do not go with; the options are named behind it.

    Raises:
        InputError: one of them was typed.
    """
    typed = [
        max(parameter.opts, key=len)
        for parameter in context.command.params
        if parameter.name in names
        and (source := context.get_parameter_source(parameter.name or "")) is not None
        and source.name == "COMMANDLINE"
    ]
    if typed:
        raise InputError(f"{why}: leave out {', '.join(typed)}")
