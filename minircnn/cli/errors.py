"""Every failure in one clear line and an exit code; a traceback only on request."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

from cyclopts import App

from minircnn.cli.output import how_to_go_on, note, this_call, typed
from minircnn.cli.streams import GuardedStream
from minircnn.interrupts import interruptible
from minircnn.training import TrainingInterrupted

FAILURE, USAGE = 1, 2

_RESUMABLE = (("detect",), ("demo",))
"""Commands that know --resume. (``train`` says by itself how to go on.)"""

_GOES_ON = (("reproduce",),)
"""Commands that go on by themselves when they are called again."""

_LESS_MEMORY = {
    "detect": "--batch 32, --max-width 500",
    "evaluate": "--batch 32",
    "explain": "--max-width 500",
    "pretrain": "--batch 16",
    "propose": "--max-width 500",
    "train": "--batch 32, --proposals.max-width 500, --proposals.limit 500",
}

_EXPECTED = (ValueError, OSError, RuntimeError, ImportError, KeyError, MemoryError)
"""Raised with words for the user: bad data, files, settings, devices, missing extras."""


class CommandFailed(RuntimeError):
    """A command did its work and the answer is no (a check that failed); nothing more is printed."""


class UsageError(ValueError):
    """The command line itself is wrong."""


def run_guarded(command: Callable[[], object]) -> int:
    """Run `command` and return the exit code; explain what went wrong on standard error.

    ``MINIRCNN_TRACEBACK=1`` in the environment shows the traceback as well.
    """
    try:
        with interruptible():
            command()
    except CommandFailed:
        return FAILURE
    except UsageError as error:
        complain(str(error))
        note(f"try: {_help_call()}")
        return USAGE
    except KeyboardInterrupt as stop:
        complain("interrupted")
        _say_how_to_go_on()
        return _stopped_by(stop)
    except TrainingInterrupted as stop:
        # stopped as asked, with a checkpoint: the same code as any interruption, and no failure
        note(f"minircnn: {stop}")
        _say_how_to_go_on()
        return _stopped_by(stop)
    except _EXPECTED as error:
        show_traceback()
        complain(describe(error))
        return FAILURE
    except Exception as error:
        show_traceback()
        complain(
            f"unexpected {describe(error)}; this is a bug in minircnn. "
            "Run again with MINIRCNN_TRACEBACK=1 for the traceback to report"
        )
        return FAILURE
    return 0


def _help_call() -> str:
    """Return the call that explains the command typed, or names all commands."""
    from minircnn.cli import app

    known: App = app
    words: list[str] = []
    for word in typed.get():
        if word.startswith("-") or word not in known:
            break
        known, words = known[word], [*words, word]
    return " ".join(["minircnn", *words, "--help"])


def _say_how_to_go_on() -> None:
    if typed.get()[:1] in _RESUMABLE:
        note(how_to_go_on())
    elif typed.get()[:1] in _GOES_ON:
        note(f"go on with the same call: {this_call()}")


def _stopped_by(stop: BaseException) -> int:
    """Return the exit code of a shell for the signal that `stop` names: 130 for Ctrl-C, 143 for SIGTERM."""
    return 128 + int(getattr(stop, "signum", signal.SIGINT))


def tell_of_lost_output(out: GuardedStream, code: int) -> int:
    """Return the exit code of a command that ended with `code`: a result nobody could read is no success."""
    out.flush()
    if out.lost is None or code:
        return code
    if not isinstance(out.lost, BrokenPipeError):  # whose reader has left (| head) and knows
        reason = getattr(out.lost, "strerror", None) or str(out.lost)
        complain(
            f"the result could not be printed to standard output: {reason}; files were written all the same"
        )
    return FAILURE


def complain(message: str) -> None:
    """Print an error the way all commands do."""
    note(f"minircnn: error: {message}")


def describe(error: BaseException) -> str:
    """Return the message of `error` for people, without Python's numbers and quotes."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0])
    if isinstance(error, MemoryError):
        less = _LESS_MEMORY.get("".join(typed.get()[:1]))
        return f"not enough memory ({error}): " + (f"try {less}, or" if less else "use") + " smaller photos"
    text = str(error)
    return text if isinstance(error, _EXPECTED) and text else f"{type(error).__name__}: {text}"


def show_traceback() -> None:
    """Print the traceback of the error at hand, if the environment asks for it."""
    if os.environ.get("MINIRCNN_TRACEBACK", "") not in ("", "0"):
        traceback.print_exc(file=sys.stderr)
