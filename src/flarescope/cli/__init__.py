"""What does a user type? Verbs that call the pipeline; no logic."""

import contextlib
import signal
import sys
from collections.abc import Sequence

from flarescope.cli.app import app
from flarescope.cli.screen import settings
from flarescope.errors import FlarescopeError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and end the process's work with an exit code.

    Args:
        arguments: what the user typed after `flarescope`; by default the process's own.

    Returns:
        0, or 2 for bad input, 1 for a failure, 130 after Ctrl-C.
    """
    import click

    settings.reset()
    try:
        result = app(args=list(arguments) if arguments is not None else None, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except FlarescopeError as error:
        return _end(error, str(error), error.exit_code)
    except click.exceptions.Abort as error:
        return _end(error, "stopped; run the same command again to go on where it stood", 128 + signal.SIGINT)
    except KeyboardInterrupt as error:
        return _end(error, "stopped; run the same command again to go on where it stood", 128 + signal.SIGINT)
    except click.ClickException as error:
        return _end(error, f"{error.format_message()} (see --help)", error.exit_code)
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            sys.stdout.close()  # whoever read our output, such as head, has had enough
        return 0
    except MemoryError as error:
        return _end(error, "out of memory; close other programs, or use a smaller --limit", 1)
    except Exception as error:
        text = " ".join(str(error).split())
        return _end(error, f"{type(error).__name__}: {text} (a fault of flarescope: --debug shows where)", 1)


def _end(error: BaseException, line: str, code: int) -> int:
    """Print one line on standard error; under --debug the traceback instead."""
    if settings.debug:
        raise error
    print(f"flarescope: {' '.join(line.split())}", file=sys.stderr)  # noqa: T201 - the command line speaks
    return code
