"""What does a user type? Verbs that call the pipeline; no logic."""

import contextlib
import signal
import sys
from collections.abc import Sequence

import typer

from flarescope.cli.app import app
from flarescope.cli.screen import settings
from flarescope.errors import FlarescopeError

UsageError: type[typer.BadParameter] = typer.BadParameter.__mro__[1]  # typer brings its own click and hides the base
INTERRUPTED = 128 + signal.SIGINT
STOPPED = "stopped; run the same command again to go on where it stood"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and end the process's work with an exit code.

    Args:
        arguments: what the user typed after `flarescope`; by default the process's own.

    Returns:
        0, or 2 for bad input, 1 for a failure, 130 after Ctrl-C.
    """
    settings.reset()
    try:
        result = app(args=list(arguments) if arguments is not None else None, standalone_mode=False)
        code = result if isinstance(result, int) else 0
        return _end(KeyboardInterrupt(), STOPPED, code) if code == INTERRUPTED else code
    except FlarescopeError as error:
        return _end(error, str(error), error.exit_code)
    except (typer.Abort, KeyboardInterrupt) as error:
        return _end(error, STOPPED, INTERRUPTED)
    except UsageError as error:
        return _end(error, f"{error.format_message()} (see --help)", error.exit_code)
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            sys.stdout.close()  # whoever read our output, such as head, has had enough
        return 0
    except MemoryError as error:
        return _end(error, "out of memory; close other programs, or use a smaller --limit", 1)
    except Exception as error:
        return _end(error, f"{type(error).__name__}: {error} (a fault of flarescope: --debug shows where)", 1)


def _end(error: BaseException, line: str, code: int) -> int:
    """Print one line on standard error; under --debug the traceback instead."""
    if settings.debug:
        raise error
    print(f"flarescope: {' '.join(line.split())}", file=sys.stderr)  # noqa: T201 - the command line speaks
    return code
