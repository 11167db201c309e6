"""Options that several commands share, each explained once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter
from cyclopts.validators import Number

from minircnn.arrays import Device, device_namespace
from minircnn.cli.output import note
from minircnn.data.problems import OnBadBox, OnBadPhoto

GENERAL = Group("Everywhere", sort_key=99)

Data = Annotated[
    str,
    Parameter(
        help="Data set: a PASCAL VOC folder, a COCO instances file (.json), or 'scenes' for the built-in "
        "digits on photos."
    ),
]
Split = Annotated[
    str | None,
    Parameter(
        help="Which photos: a list (ImageSets/Main/SPLIT.txt; train, val or test of the scenes), 'all' of "
        "them, or a share as train:0.8 and, for the rest of the same photos, val:0.2. Default: train for "
        "training, else test; all where the data set has no lists."
    ),
]
Model = Annotated[
    Path,
    Parameter(
        help="A trained detector: model.safetensors, the run's folder, or 'pretrained' for the one that "
        "comes with minircnn."
    ),
]
_IS_MODEL = (
    "MODEL is a .safetensors file or the folder of a run; without one the detector that comes with minircnn "
    "is taken. "
)
ModelAndPhotos = Annotated[
    list[str],
    Parameter(
        name="[MODEL] PHOTO...",
        negative="",
        help=f"{_IS_MODEL}PHOTO is a photo, a folder of photos, a quoted pattern such as 'photos/**/*.jpg', "
        "- for a photo from standard input, or 'example' for photos that come with scikit-image.",
    ),
]
ModelAndPhoto = Annotated[
    list[str],
    Parameter(
        name="[MODEL] PHOTO",
        negative="",
        help=f"{_IS_MODEL}PHOTO is a photo, - for one from standard input, or one of 'example:astronaut', "
        "'example:cat' and 'example:motorbike', which come with scikit-image.",
    ),
]
Bad = Annotated[
    OnBadBox,
    Parameter(
        name="--on-bad-box",
        help="What to do with reversed, empty, one-pixel or outside boxes: refuse the data set, naming each, "
        "or drop them (boxes reaching outside are clipped).",
    ),
]
BadPhoto = Annotated[
    OnBadPhoto,
    Parameter(
        name="--on-bad-photo",
        help="What to do with a photo that is missing, broken or of another size than its annotation says, "
        "or whose annotation cannot be read: refuse the data set, naming each, or drop the photo.",
    ),
]
Images = Annotated[
    Path | None, Parameter(help="Folder of a COCO file's photos. Default: the folder of the file.")
]
Photos = Annotated[int | None, Parameter(name="--photos", help="Use the first so many photos only.")]
Overwrite = Annotated[bool, Parameter(negative="", help="Replace files of an earlier call.")]
Jobs = Annotated[int, Parameter(help="Processes that compute proposals; 0 takes one per processor.")]
NetworkJobs = Annotated[
    int,
    Parameter(
        name="--jobs",
        help="Processes, each with its share of the processors and its own memory. 0: one per processor for "
        "proposals, one alone for the network. The results are the same.",
    ),
]
Profile = Annotated[
    bool,
    Parameter(
        name="--profile",
        negative="",
        help="Also say where the time went, stage by stage, and how much memory was held at most.",
    ),
]
Batch = Annotated[
    int | None,
    Parameter(
        name="--batch",
        help="Regions judged at once (R-CNN: crops sent through the network); fewer need less memory. "
        "Default: as stored.",
    ),
]
MaxWidth = Annotated[
    int | None,
    Parameter(
        name="--max-width",
        help="Wider photos are shrunk to this width while proposals are searched, which big photos need: "
        "boxes are in the photo's own pixels all the same. Default: as stored.",
    ),
]
Json = Annotated[
    bool,
    Parameter(
        name="--json",
        negative="",
        group=GENERAL,
        help="Write the result as JSON to standard output; all other words go to standard error.",
    ),
]
Seed = Annotated[
    int,
    Parameter(
        group=GENERAL, validator=Number(gte=0), help="Of all random numbers; equal seeds, equal results."
    ),
]
DeviceName = Annotated[
    Device, Parameter(name="--device", group=GENERAL, help="cuda needs CuPy and an NVIDIA GPU.")
]


def job_count(jobs: int) -> int:
    """Return the number of processes that `jobs` asks for; 0 is one per processor.

    Raises
    ------
    ValueError
        If it is negative.
    """
    if jobs < 0:
        raise ValueError(f"--jobs must be 0 (one per processor) or more, got {jobs}")
    if jobs:
        return jobs
    # only the processors this process may use: containers often have fewer than the machine
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def network_job_count(jobs: int, device: Device) -> int:
    """Return in how many processes the network runs: in this one alone unless `jobs` asks for more.

    One process uses all processors already, each further one holds activations of its own, and a GPU is not
    shared.

    Raises
    ------
    ValueError
        If it is negative.
    """
    return 1 if jobs == 0 or device == "cuda" else job_count(jobs)


def require_device(device: Device) -> None:
    """Fail before any work, in one sentence, where there is no such device.

    Raises
    ------
    RuntimeError
        If ``"cuda"`` is asked for and cannot be used.
    """
    device_namespace(device)


def note_no_device(device: Device) -> None:
    """Say of a command that does nothing on a GPU that it makes no use of one."""
    if device != "cpu":
        note(f"--device {device} changes nothing here: this command computes on the CPU")
