"""``minircnn check-data``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from minircnn.cli.errors import CommandFailed
from minircnn.cli.next_commands import command_line
from minircnn.cli.options import Bad, BadPhoto, Data, DeviceName, Images, Json, Seed, note_no_device
from minircnn.cli.output import note, print_json
from minircnn.data import DataReport, check_dataset
from minircnn.data.opening import FORMATS, find_format, open_dataset
from minircnn.data.voc_lists import list_name


def check_data(
    data: Data,
    /,
    *,
    split: str | None = None,
    images: Images = None,
    on_bad_box: Bad = "error",
    on_bad_photo: BadPhoto = "error",
    decode: Annotated[bool, Parameter(negative="")] = False,
    problems: Annotated[int, Parameter(validator=Number(gte=0))] = 20,
    json: Json = False,
    seed: Seed = 0,
    device: DeviceName = "cpu",
) -> None:
    """Look a data set over before hours are spent on it.

    Counts photos, objects and classes, measures the boxes, and names every problem by file, object and
    box: boxes that are reversed, empty, one pixel thin or outside their photo, missing or broken files,
    sizes that disagree, fields that cannot be read, photos that stand in two lists. A data set without
    photos or objects is a problem too. Ends with exit code 1 if there is any that is not left out as asked.

    For example:

        minircnn check-data VOCdevkit/VOC2007 --decode

    Next: correct the files, or let training leave bad boxes and photos out with `--on-bad-box drop` and
    `--on-bad-photo drop`.

    Parameters
    ----------
    split
        Check one list only (ImageSets/Main/SPLIT.txt), or a share (train:0.8). Default: all of them together.
    decode
        Also decode every photo, which finds truncated ones and takes longer.
    problems
        Show at most this many problems (JSON has all).
    """
    note_no_device(device)
    # only what lies on disk in the two known forms can be looked over without being opened first
    known = find_format(data) in (FORMATS["voc"], FORMATS["coco"])
    report = check_dataset(
        data
        if known
        else open_dataset(data, split, on_bad_box=on_bad_box, on_bad_photo=on_bad_photo, images=images),
        split=split,
        image_folder=images,
        decode_photos=decode,
        on_bad_box=on_bad_box,
        on_bad_photo=on_bad_photo,
    )
    if json:
        print_json(report.to_dict())
    else:
        print(report.text(problems))
    policies = {"on_bad_box": on_bad_box, "on_bad_photo": on_bad_photo}
    dropped = [name for name, policy in policies.items() if policy == "drop"]
    if report.ok:
        note(f"next: {_training(data, split, images, dropped, report)}")
        return
    if report.mends:
        note(
            "next: correct the files, or leave out what is wrong: "
            + _training(data, split, images, [*dropped, *report.mends], report)
        )
    elif split is not None and all(problem.kind == "nothing" for problem in report.problems):
        note("next: take another split or share (--split)")
    else:
        note("next: correct the files")
    raise CommandFailed("the data set has problems")


def _training(
    data: str, split: str | None, images: Path | None, dropped: Sequence[str], report: DataReport
) -> str:
    """Return the command that trains on the data set that was looked over."""
    if split is None and report.splits and list_name("train", [*report.splits]) is None:
        # no list is called what training takes by default
        split = max(report.splits, key=lambda name: (name == "trainval", report.splits[name]))
    options = {"out": "runs/fast", "split": split, "images": images, **dict.fromkeys(dropped, "drop")}
    return command_line("train", "fast-rcnn", data, options=options)
