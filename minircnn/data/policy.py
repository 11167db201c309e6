"""What becomes of what is wrong: refused with every finding named, or left out with counts."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from minircnn.data.problems import DatasetError, OnBadBox, OnBadPhoto, Problem
from minircnn.data.records import PhotoRecord

_WHERE = "'minircnn check-data' tells what is there; a share of few photos may hold none of them."
_THINGS = {"on_bad_box": "boxes", "on_bad_photo": "photos"}

_log = logging.getLogger("minircnn.data")


def decided(problems: Iterable[Problem], on_bad_box: OnBadBox, on_bad_photo: OnBadPhoto) -> list[Problem]:
    """Return `problems` with what becomes of each: an error, unless its kind may be put right.

    Raises
    ------
    ValueError
        If a policy is neither ``"error"`` nor ``"drop"``.
    """
    for name, policy in (("on_bad_box", on_bad_box), ("on_bad_photo", on_bad_photo)):
        if policy not in ("error", "drop"):
            raise ValueError(f"{name} must be 'error' or 'drop', got {policy!r}")
    return [_decide(problem, on_bad_box, on_bad_photo) for problem in problems]


def _decide(problem: Problem, on_bad_box: OnBadBox, on_bad_photo: OnBadPhoto) -> Problem:
    if problem.is_box:
        return problem if on_bad_box == "drop" else replace(problem, action="error")
    dropped = problem.is_photo and on_bad_photo == "drop"
    return replace(problem, action="dropped" if dropped else "error")


def nothing_left(records: Sequence[PhotoRecord], source: str) -> list[Problem]:
    """Return the problem of a data set without photos or without objects, of which nothing can be learned."""
    if not records:
        return [Problem(source, "nothing", "there is no photo in it that can be used")]
    if not any(record.objects for record in records):
        return [Problem(source, "nothing", f"no object is marked in its {len(records)} photo(s)")]
    return []


def mends(problems: Sequence[Problem]) -> tuple[str, ...]:
    """Return the arguments that leave out what is wrong (``"on_bad_box"``); none where that is not enough."""
    if not all(problem.is_box or problem.is_photo for problem in problems):
        return ()
    box = ("on_bad_box",) if any(problem.is_box for problem in problems) else ()
    photo = ("on_bad_photo",) if any(problem.is_photo for problem in problems) else ()
    return (*box, *photo)


def as_options(arguments: Sequence[str]) -> str:
    """Return what :func:`mends` names as it is typed on the command line."""
    return " ".join(f"--{name.replace('_', '-')} drop" for name in arguments)


def settle(
    problems: Iterable[Problem],
    on_bad_box: OnBadBox,
    on_bad_photo: OnBadPhoto,
    name: str,
    records: Sequence[PhotoRecord],
) -> tuple[Problem, ...]:
    """Return what was put right, logged with counts; refuse the rest, and a data set without photos.

    Raises
    ------
    DatasetError
        Naming everything that must not be passed over.
    ValueError
        If a policy is unknown.
    """
    found = decided(problems, on_bad_box, on_bad_photo)
    refused = [problem for problem in found if problem.action == "error"]
    if refused:
        boxes = all(problem.is_box for problem in refused)
        what = "bad box(es)" if boxes else "problem(s)"
        raise DatasetError(f"{name}: {len(refused)} {what}", refused, _hint(refused, records))
    boxes_dropped = sum(p.is_box and p.action == "dropped" for p in found)
    clipped = sum(p.action == "clipped" for p in found)
    photos = sum(not p.is_box for p in found)
    if boxes_dropped or clipped:
        _log.warning("%s: dropped %d and clipped %d bad boxes", name, boxes_dropped, clipped)
    if photos:
        _log.warning(
            "%s: left out photos with %d problem(s), %d kept",
            name,
            photos,
            len(records),
        )
        for problem in [p for p in found if not p.is_box][:3]:
            _log.warning("  %s", problem)
    if not records:
        raise DatasetError(f"{name}: nothing to work with", [*nothing_left(records, name), *found], _WHERE)
    return tuple(found)


def _hint(refused: Sequence[Problem], records: Sequence[PhotoRecord]) -> str:
    arguments = mends(refused)
    if not arguments or nothing_left(records, ""):
        return ""
    things = " and ".join(_THINGS[name] for name in arguments)
    words = ", ".join(f"{name}='drop'" for name in arguments)
    return f"Correct the files, or leave such {things} out with {words} ({as_options(arguments)})."
