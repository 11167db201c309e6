"""``minircnn exercise``: the lecture's algorithms as labs, with stubs to fill in and a grader."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Group, Parameter
from cyclopts.validators import Number

from minircnn import textbook
from minircnn.cli.errors import CommandFailed, describe
from minircnn.cli.files import refuse_to_overwrite
from minircnn.cli.next_commands import command_line
from minircnn.cli.options import Json, Overwrite
from minircnn.cli.output import note, print_json, table, visible
from minircnn.exercises import LABS, Report, check, stub_name, stub_text
from minircnn.exercises.running import SECONDS
from minircnn.files import write_text

exercise_app = App(
    name="exercise",
    help="Labs: write the lecture's algorithms yourself, and have them graded, without a network.",
    group_commands=Group("Commands"),
)


@exercise_app.command(name="list")
def list_labs(*, json: Json = False) -> None:
    """List the labs: what is to be written, where it is explained, and how hard it is.

    For example:

        minircnn exercise list
    """
    if json:
        keys = ("title", "task", "page", "source", "level", "functions")
        print_json([{"name": n, **{key: getattr(lab, key) for key in keys}} for n, lab in LABS.items()])
        return
    rows = [
        [name, lab.level, ", ".join(lab.functions), Path(lab.page).stem, lab.source]
        for name, lab in LABS.items()
    ]
    print(table(["name", "level", "to be written", "page", "paper"], rows))
    note(f"next: {command_line('exercise', 'start', next(iter(LABS)))}")


@exercise_app.command(name="start")
def start_lab(name: str, /, *, out: Path | None = None, overwrite: Overwrite = False) -> None:
    """Write the stub of a lab: functions with signature and docstring, and a hint, but without bodies.

    For example:

        minircnn exercise start smooth-l1

    Next: fill it in with any editor, then `minircnn exercise check smooth_l1.py`.

    Parameters
    ----------
    name
        One of 'minircnn exercise list'.
    out
        File to write, .py. Default: the lab's name with underscores, in this folder.
    """
    LABS.require(name)
    out = Path(stub_name(name)) if out is None else out
    if out.suffix.lower() != ".py":
        raise ValueError(f"--out must end in .py, got {out}")
    grading = command_line("exercise", "check", out)
    refuse_to_overwrite(
        [out], overwrite=overwrite, another="another file with --out", ways=[f"grade it with '{grading}'"]
    )
    print(write_text(out, stub_text(name, grading)))
    lab = LABS[name]
    note(f"{lab.title}: write {' and '.join(lab.functions)}; explained on docs/{lab.page}")
    note(f"next: {grading}")


@exercise_app.command(name="check")
def check_files(
    *files: Annotated[
        Path, Parameter(name="FILE...", negative="", help="A file that 'minircnn exercise start' began.")
    ],
    seconds: Annotated[
        float, Parameter(validator=Number(gt=0), help="How long one call of your function may take.")
    ] = SECONDS,
    json: Json = False,
) -> None:
    """Grade a lab: which parts pass, and for the first that does not its smallest failing case and a hint.

    The code of FILE runs, with your rights, in a process of its own. Of several files only the results are
    listed. Ends with exit code 1 unless every part of every file passes.

    For example:

        minircnn exercise check smooth_l1.py

        minircnn exercise check handed_in/*.py --json
    """
    if not files:
        raise ValueError("name a file to check, e.g. nms.py ('minircnn exercise start nms' begins it)")
    reports = [_checked(file, seconds, alone=len(files) == 1) for file in files]
    if json:
        print_json([_description(report) for report in reports])
    elif len(reports) == 1:
        print(visible(reports[0].text(), keep="\n"))
    else:
        rows = [[r.file, r.lab, r.passed, len(r.parts), _first_trouble(r)] for r in reports]
        print(table(["file", "lab", "pass", "of", "first trouble"], rows))
    if not all(report.ok for report in reports):
        raise CommandFailed("not every part passes")
    if len(reports) == 1:
        _tell_next(reports[0].lab)


def _checked(file: Path, seconds: float, *, alone: bool) -> Report:
    """Return the report of a file; among others, one that cannot be graded does not stop the rest."""
    if alone:
        return check(file, seconds)
    try:
        return check(file, seconds)
    except (OSError, ValueError) as error:
        return Report.of_trouble(str(file), describe(error))


def _first_trouble(report: Report) -> str | None:
    """Return what a table says of a file that does not pass, in one line."""
    if report.trouble is not None:
        return " ".join(report.trouble.message.split())
    return None if report.first_failure is None else report.first_failure.name


def _description(report: Report) -> dict[str, Any]:
    return {"ok": report.ok, "passed": report.passed, **dataclasses.asdict(report)}


def _tell_next(done: str) -> None:
    answers = [getattr(textbook, function, None) for function in LABS[done].functions]
    for module in dict.fromkeys(answer.__module__ for answer in answers if answer is not None):
        note(f"to compare with yours: {module.replace('.', '/')}.py")
    names = list(LABS)
    after = names[names.index(done) + 1 :]
    if after:
        note(f"next: {command_line('exercise', 'start', after[0])}")
