"""``minircnn train --estimate``: what a training will take, before any of it is done."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from minircnn.cli.output import note, print_json, table
from minircnn.progress import duration
from minircnn.training import read_log
from minircnn.training.estimate import PHOTOS, UPDATES, PartEstimate


def updates_done(logs: Iterable[Path]) -> int:
    """Return how many updates a run has made, which writes these logs one after the other."""
    lasts = (read_log(log)[-1:] for log in logs)
    return sum(int(line["iteration"]) for last in lasts for line in last)


_TRIED = f"{PHOTOS} photos and {UPDATES} updates at most"


def print_estimate(parts: Sequence[PartEstimate], out: Path, *, json: bool, tried: str = _TRIED) -> None:
    """Show what each part of a training into the folder `out` takes, and all of them together."""
    seconds = sum(part.seconds or 0.0 for part in parts)
    memory = max((part.memory or 0.0 for part in parts), default=0.0)
    disk, free = sum(part.disk for part in parts), _free(out)
    if json:
        together = {"seconds": seconds, "memory": memory, "disk": disk, "disk_free": free}
        print_json({"parts": [asdict(part) for part in parts], **together})
    else:
        rows = [[p.name, _time(p.seconds), _size(p.memory), _size(p.disk), p.what] for p in parts]
        rows.append(["together", _time(seconds), _size(memory), _size(disk), f"{_size(free)} free there"])
        print(table(["part", "time", "memory", "disk", "work"], rows))
    unknown = [part.name for part in parts if part.seconds is None]
    if unknown:
        note(f"{', '.join(unknown)}: their time comes on top, a few photos do not tell it")
    note(
        f"an estimate: {tried} were tried, here and now; the load of the "
        "machine changes it. Nothing was written"
    )
    if disk > free:
        note(f"{_size(disk)} do not fit on the disk of {out}, which has {_size(free)} free")


def _free(out: Path) -> int:
    """Return the free bytes of the disk on which `out` is or will be."""
    there = next(folder for folder in (out, *out.resolve().parents) if folder.is_dir())
    return shutil.disk_usage(there).free


def _time(seconds: float | None) -> str:
    return "–" if seconds is None else duration(seconds)


def _size(size: float | None) -> str:
    if not size:
        return "–"
    return f"{size / 1e6:,.0f} MB" if size < 1e9 else f"{size / 1e9:,.1f} GB"
