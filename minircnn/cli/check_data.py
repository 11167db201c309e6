"""``minircnn check-data``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from minircnn.cli.errors import CommandFailed
from minircnn.cli.options import Data, DeviceName, Images, Json, Seed, require_device
from minircnn.cli.output import note, print_json
from minircnn.data import check_dataset
from minircnn.data.opening import SCENES, open_dataset


def check_data(
    data: Data,
    /,
    *,
    split: str | None = None,
    images: Images = None,
    decode: Annotated[bool, Parameter(negative="")] = False,
    problems: int = 20,
    json: Json = False,
    seed: Seed = 0,
    device: DeviceName = "cpu",
) -> None:
    """Look a data set over before hours are spent on it.

    Counts photos, objects and classes, measures the boxes, and names every problem by file, object and
    box: boxes that are reversed, empty, one pixel thin or outside their photo, missing or broken files,
    sizes that disagree, photos that stand in two lists. Ends with exit code 1 if there is any.

    For example:

        minircnn check-data VOCdevkit/VOC2007 --decode

    Next: correct the files, or let training leave bad boxes out with `--on-bad-box drop`.

    Parameters
    ----------
    split
        Check one list only (ImageSets/Main/SPLIT.txt). Default: all of them together.
    decode
        Also decode every photo, which finds truncated ones and takes longer.
    problems
        Show at most this many problems (JSON has all).
    """
    require_device(device)
    # open_dataset also says best what is wrong with a name that leads nowhere
    source = open_dataset(data, split) if data == SCENES or not Path(data).exists() else data
    report = check_dataset(source, split=split, image_folder=images, decode_photos=decode)
    if json:
        print_json(report.to_dict())
    else:
        print(report.text(problems))
    if not report.ok:
        note("next: correct the files, or let training leave bad boxes out with --on-bad-box drop")
        raise CommandFailed("the data set has problems")
    note(f"next: minircnn train fast-rcnn {data} --out runs/fast")
