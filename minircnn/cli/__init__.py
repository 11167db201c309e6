"""The command ``minircnn``: train, look, measure and explain from a shell."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cyclopts import App, CycloptsError, Group

from minircnn import __version__
from minircnn.cli.errors import UsageError, run_guarded, tell_of_lost_output
from minircnn.cli.odd_values import refuse_odd_values
from minircnn.cli.old_options import refuse_old_options
from minircnn.cli.output import typed
from minircnn.cli.photos import STANDARD_INPUT
from minircnn.cli.presets import fill_from_preset
from minircnn.cli.streams import guarded_streams

__all__ = ["app", "main"]

_COMMANDS = {  # in the order of the lecture, not of the alphabet
    "demo": ("demo:demo", "Train all detectors on built-in data and compare them."),
    "check-data": ("check_data:check_data", "Look a data set over before hours are spent on it."),
    "propose": ("propose:propose", "Where may something be? Selective search, drawn and measured."),
    "anchors": ("anchors:anchors", "Which anchors suit your objects? A suggestion for Faster R-CNN."),
    "pretrain": (
        "pretrain:pretrain_command",
        "Teach a backbone to classify images, for a detector to begin with.",
    ),
    "train": ("train:train_app", "Train a detector on a data set."),
    "evaluate": ("evaluate:evaluate", "Measure a detector on a data set, class by class."),
    "detect": ("detect:detect", "Find the objects in photos: pictures and JSON."),
    "explain": ("explain:explain", "One photo through every step of a detector, on one HTML page."),
    "reproduce": ("reproduce:reproduce", "The papers' tables, run again: our figures beside theirs."),
    "weights": ("weights:weights_app", "Pre-trained weights: list, fetch, import, show."),
    "export": ("export:export", "Write a detector to one file, in half the size, with its model card."),
    "exercise": ("exercise:exercise_app", "Write the lecture's algorithms yourself: stubs, and a grader."),
    "gradcheck": ("gradcheck:gradcheck", "Check every hand-written gradient against finite differences."),
}

_LIST = "\n".join(f"    {name:<12}{summary}" for name, (_, summary) in _COMMANDS.items())

_HELP = f"""Detect objects with R-CNN, SPP-net, Fast R-CNN and Faster R-CNN, from scratch in NumPy.

Commands:

{_LIST}

Start with the demonstration, which needs no data and no download:

    minircnn demo --quick

With the detector that comes with the package, on your own photo or on three examples:

    minircnn detect photo.jpg
    minircnn detect example

Then your own photos, in a PASCAL VOC folder or a COCO file:

    minircnn check-data DATA
    minircnn train fast-rcnn DATA --out runs/fast
    minircnn evaluate runs/fast DATA --split val
    minircnn detect runs/fast photo.jpg

'minircnn COMMAND --help' explains each one.
"""

app = App(
    name="minircnn",
    help=_HELP,
    usage="Usage: minircnn COMMAND [OPTIONS]",
    help_format="markdown",
    group_commands=Group("Commands", show=False),
    version=__version__,
    version_flags=["--version"],
    config=(refuse_odd_values, fill_from_preset),
    result_action="return_value",
    suppress_keyboard_interrupt=False,  # run_guarded says that it was interrupted
)
for _name, (_where, _) in _COMMANDS.items():
    # A string: the module is imported when the command is used. What it says of itself is therefore unknown
    # here, so the list of commands above stands in the place of the generated one.
    app.command(f"minircnn.cli.{_where}", name=_name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (default: those of the process) and return the exit code."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    before = typed.set(tuple(tokens))
    try:
        with guarded_streams() as out, _log_to_stderr():
            code = run_guarded(lambda: _dispatch(tokens))
            return tell_of_lost_output(out, code)
    finally:
        typed.reset(before)


def _dispatch(tokens: list[str]) -> None:
    refuse_old_options(tokens)
    words = [STANDARD_INPUT if token == "-" else token for token in tokens]  # which is no option
    try:
        app(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        files = [token for token in tokens if token.startswith("-") and os.path.lexists(token)]
        hint = f" (the file {files[0]} is written ./{files[0]})" if files else ""
        raise UsageError(" ".join(str(error).split()) + hint) from error


@contextmanager
def _log_to_stderr() -> Iterator[None]:
    """Let the package's own messages reach the user, on standard error."""
    logger, handler = logging.getLogger("minircnn"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
