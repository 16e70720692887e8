"""What does a user type? Verbs that call the pipeline; no logic."""

import contextlib
import os
import re
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from flarescope.errors import FlarescopeError

if TYPE_CHECKING:
    import typer

INTERRUPTED = 128 + signal.SIGINT
READER_LEFT = 128 + 13  # SIGPIPE, which not every system names
ONE_LINE: Final = re.compile(r"\s*[\n\r\t\v\f]\s*")
"""What becomes a space in a message; two spaces stay, for a path may have them."""
STOPPED = "stopped; run the same command again to go on where it stood"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and end the process's work with an exit code.

    Args:
        arguments: what the user typed after `flarescope`; by default the process's own.

    Returns:
        0, or 2 for bad input, 1 for a failure, 130 after Ctrl-C, 141 where whoever read the output left.
    """
    _fill_closed_streams()
    try:
        with _warnings_in_one_line():
            code = _run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()  # a full disk or a closed pipe is told here and not at the interpreter's end
    except FlarescopeError as error:
        return _end(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _end(STOPPED, INTERRUPTED)
    except BrokenPipeError:
        return _reader_left()
    except MemoryError:
        return _end("out of memory; close other programs, or use a smaller --limit", 1)
    except OSError as error:
        return _end(f"{error.filename or 'output'}: {error.strerror or error}", 1)
    except Exception as error:
        return _end(f"{type(error).__name__}: {error} (a fault of flarescope: --debug shows where)", 1)
    return _end(STOPPED, code) if code == INTERRUPTED else code


def _run(arguments: Sequence[str] | None) -> int:
    # Imported here, so that Ctrl-C during the import is one line too.
    import typer

    from flarescope.cli.addresses import refuse_addresses
    from flarescope.cli.app import app
    from flarescope.cli.screen import settings

    usage_error: type[typer.BadParameter] = typer.BadParameter.__mro__[1]  # typer hides the base of its click's errors
    settings.reset()
    command = typer.main.get_command(app)
    refuse_addresses(command)
    streams = sys.stdout, sys.stderr
    try:
        given = list(arguments) if arguments is not None else None
        result = command(args=given, prog_name="flarescope", standalone_mode=False)
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except usage_error as error:
        return _end(usage_line(error), error.exit_code)
    except SystemExit as error:  # completion ends so, and what typer makes of a closed pipe
        sys.stdout, sys.stderr = streams
        if isinstance(error.__context__, BrokenPipeError):
            raise error.__context__ from None
        result = error.code
    return result if isinstance(result, int) else 0


def usage_line(error: "typer.BadParameter") -> str:
    """Say in one line what is wrong with a command line, and whose help says what is right."""
    possible = getattr(error, "possibilities", None)
    said = f"{error.message}; did you mean {' or '.join(possible)}?" if possible else error.format_message()
    command = error.ctx.command_path if error.ctx else "flarescope"
    return f"{said.rstrip('.').replace(': Value error, ', ': ')} (see {command} --help)"


@contextlib.contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Print our own warnings as the commands print theirs; those of libraries stay as they are."""
    import warnings

    from flarescope.errors import FlarescopeWarning

    with warnings.catch_warnings():
        warnings.simplefilter("always", FlarescopeWarning)
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:  # noqa: ANN401
            if not issubclass(category, FlarescopeWarning):
                return others(message, category, *place, **more)
            from flarescope.cli.screen import warn

            return warn(str(message))

        warnings.showwarning = show
        yield


def _fill_closed_streams() -> None:
    """Open what a shell closed (`>&-`) on nothing: a file opened later would else take its number, and get its text."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _reader_left() -> int:
    """Say nothing more to a closed pipe, such as one to `head`; give the code that a shell gives for it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        except (AttributeError, ValueError):  # no stream, or a closed one
            pass
    return READER_LEFT


def _end(line: str, code: int) -> int:
    """Print one line on standard error; under --debug the traceback before it."""
    from flarescope.cli.screen import say_line, settings

    try:
        if settings.debug and sys.stderr is not None and sys.exc_info()[0] is not None:
            traceback.print_exc()
        say_line(f"flarescope: {ONE_LINE.sub(' ', line.strip())}", sys.stderr)
    except OSError:
        _reader_left()
    return code
