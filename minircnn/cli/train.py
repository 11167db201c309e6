"""``minircnn train fast-rcnn`` and ``minircnn train rcnn``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import App, Group, Parameter

from minircnn.arrays import Device
from minircnn.cli.options import (
    Bad,
    Data,
    DeviceName,
    Images,
    Jobs,
    Json,
    NetworkJobs,
    Photos,
    Profile,
    Split,
    job_count,
    network_job_count,
    require_device,
)
from minircnn.cli.output import note, print_json, table
from minircnn.cli.profile import profile_if, profile_record, profile_table
from minircnn.data.opening import open_dataset
from minircnn.profiling import Stage
from minircnn.structures import DetectionDataset
from minircnn.training import FastRCNNSettings, RCNNSettings, TrainingInterrupted, TrainingRun
from minircnn.training import train as train_detector

_SETTINGS = Group(
    "Settings",
    help="What the preset says unless given here; the defaults shown are the papers'. "
    "'none' stands for no value.",
    sort_key=50,
)
_Out = Annotated[Path, Parameter(help="Folder of the run: settings, proposals, checkpoints, log, model.")]
_Preset = Annotated[
    str | None,
    Parameter(
        help="Settings to start from: 'paper' (the default), 'pretrained' (SqueezeNet with "
        "--backbone.weights, a few hundred photos), 'small' (a tiny network from random weights), 'scenes' "
        "(the default for the scenes) or 'scenes-quick'."
    ),
]
_Resume = Annotated[
    bool,
    Parameter(
        negative="",
        help="Continue the run in the folder, with its settings: the result equals that of an "
        "uninterrupted run.",
    ),
]
_Every = Annotated[int, Parameter(help="Updates between two checkpoints.")]
_Shared = Annotated[
    Path | None,
    Parameter(
        help="Folder that keeps the proposals; runs on the same photos can share it. Default: in the run's."
    ),
]

train_app = App(
    name="train",
    help="Train a detector on a data set: 'minircnn train fast-rcnn --help', 'minircnn train rcnn --help'.",
    group_commands=Group("Commands"),
)


@train_app.command(name="fast-rcnn")
def train_fast_rcnn(
    data: Data,
    /,
    *,
    out: _Out,
    preset: _Preset = None,
    resume: _Resume = False,
    split: Split = "train",
    photos: Photos = None,
    on_bad_box: Bad = "error",
    images: Images = None,
    jobs: Jobs = 0,
    proposal_folder: _Shared = None,
    checkpoint_every: _Every = 200,
    profile: Profile = False,
    json: Json = False,
    device: DeviceName = "cpu",
    settings: Annotated[FastRCNNSettings | None, Parameter(name="*", group=_SETTINGS)] = None,
) -> None:
    """Train Fast R-CNN: one network, one loss, one stage.

    Proposals are computed first and kept. Then every step takes two photos and 64 regions of each: the
    photo is convolved once, each region is pooled from the feature map, and two sibling layers say what it
    is and how its box should move. Ctrl-C stops after the step at hand and writes a checkpoint.

    For example:

        minircnn train fast-rcnn scenes --out runs/fast

        minircnn train fast-rcnn VOC2007 --out runs/voc --backbone.weights vgg16.npz --solver.iterations 500

    Next: `minircnn evaluate runs/fast DATA --split val` and `minircnn explain runs/fast photo.jpg`.
    """
    require_device(device)
    dataset = open_dataset(data, split, on_bad_box=on_bad_box, images=images, limit=photos)
    with _profile_of_training(profile, device) as total:
        run = train_detector(
            dataset,
            settings or FastRCNNSettings(),
            out,
            resume=resume,
            device=device,
            n_jobs=job_count(jobs),
            proposal_folder=proposal_folder,
            checkpoint_every=checkpoint_every,
        )
    _announce(run, dataset, total, json=json)


@train_app.command(name="rcnn")
def train_rcnn(
    data: Data,
    /,
    *,
    out: _Out,
    preset: _Preset = None,
    resume: _Resume = False,
    split: Split = "train",
    photos: Photos = None,
    on_bad_box: Bad = "error",
    images: Images = None,
    jobs: NetworkJobs = 0,
    proposal_folder: _Shared = None,
    checkpoint_every: _Every = 200,
    profile: Profile = False,
    json: Json = False,
    device: DeviceName = "cpu",
    settings: Annotated[RCNNSettings | None, Parameter(name="*", group=_SETTINGS)] = None,
) -> None:
    """Train R-CNN: four parts, made one after the other.

    The CNN learns to classify warped regions; its features of every region are kept on disk (the size is
    announced first); one linear SVM per class is trained on them with hard negative mining; one ridge
    regression per class learns to move boxes. Ctrl-C while the CNN trains writes a checkpoint.

    For example:

        minircnn train rcnn scenes --out runs/rcnn

        minircnn train rcnn VOC2007 --out runs/voc-rcnn --backbone.name alexnet --backbone.weights alexnet.npz

    Next: `minircnn evaluate runs/rcnn DATA --split val` and `minircnn explain runs/rcnn photo.jpg`.
    """
    require_device(device)
    dataset = open_dataset(data, split, on_bad_box=on_bad_box, images=images, limit=photos)
    with _profile_of_training(profile, device) as total:
        run = train_detector(
            dataset,
            settings or RCNNSettings(),
            out,
            resume=resume,
            device=device,
            n_jobs=job_count(jobs),
            network_jobs=network_job_count(jobs, device),
            proposal_folder=proposal_folder,
            checkpoint_every=checkpoint_every,
        )
    _announce(run, dataset, total, json=json)


@contextmanager
def _profile_of_training(wanted: bool, device: Device) -> Iterator[Stage | None]:
    """Record the training inside, if `wanted`; one that is stopped says where the time went until then."""
    total = None
    try:
        with profile_if(wanted, device) as total:
            yield total
    except TrainingInterrupted:
        if total is not None:
            note(profile_table(total, "step"))
        raise


def _announce(run: TrainingRun, dataset: DetectionDataset, profile: Stage | None, *, json: bool) -> None:
    """Say what was made, how long it took and what to do next."""
    if json:
        result = {"model": run.model_path, "seconds": run.seconds, "photos": len(dataset)}
        print_json(result if profile is None else {**result, "profile": profile_record(profile)})
    else:
        print(table(["part", "seconds"], [[part, round(s, 1)] for part, s in run.seconds.items()]))
        if profile is not None:
            print(f"\n{profile_table(profile, 'step')}\n")
        print(f"detector: {run.model_path}")
    note(f"next: minircnn evaluate {run.model_path.parent} DATA --split SPLIT")
