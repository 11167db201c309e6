"""``minircnn train NAME``, a command for every recipe."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Group, Parameter

from minircnn.arrays import Device
from minircnn.cli import word_pictures  # noqa: F401 - registers the picture of its training
from minircnn.cli.big_photos import Size, note_big_photos, sizes_of_dataset
from minircnn.cli.curves import CurvesPicture
from minircnn.cli.estimating import print_estimate, updates_done
from minircnn.cli.files import require_places
from minircnn.cli.judging import refuse_proposal_folder
from minircnn.cli.next_commands import command_line, split_to_evaluate
from minircnn.cli.options import (
    Bad,
    BadPhoto,
    Data,
    DeviceName,
    Images,
    Json,
    NetworkJobs,
    Photos,
    Profile,
    Split,
    job_count,
    network_job_count,
)
from minircnn.cli.output import note, print_json, table
from minircnn.cli.profile import profile_if, profile_record, profile_table
from minircnn.cli.stopping import require_run, way_on
from minircnn.cli.validating import VALIDATION, ValidationOptions, validation_words
from minircnn.data.opening import SCENES, open_dataset
from minircnn.detectors import DETECTORS
from minircnn.profiling import Stage
from minircnn.structures import DetectionDataset
from minircnn.training import (
    RECIPES,
    DetectorSettings,
    Recipe,
    TrainingInterrupted,
    TrainingRun,
    estimate_training,
    train,
)

_SETTINGS = Group(
    "Settings",
    help="What the preset says unless given here; numbers in parentheses are the papers'. 'none' stands for "
    "no value. A run keeps its settings in settings.json.",
    sort_key=50,
)
_Out = Annotated[Path, Parameter(help="Folder of the run: settings, proposals, checkpoints, log, model.")]
_Preset = Annotated[
    str | None,
    Parameter(
        help="Settings to start from: 'paper' (the default), 'pretrained' (an ImageNet network with "
        "--backbone.weights, from 100 photos), 'small' (a tiny network from random weights), 'scenes' "
        "(the default for the scenes), 'classroom' (half of its updates) or 'scenes-quick'."
    ),
]
_Resume = Annotated[
    bool,
    Parameter(
        negative="",
        help="Continue the run in the folder, with its settings and its choice of photos (--split, "
        "--photos, --on-bad-box, --images); other data is refused. The result equals that of an "
        "uninterrupted run.",
    ),
]
_EVERY = 200
_Every = Annotated[int, Parameter(help="Updates between two checkpoints.")]
_Estimate = Annotated[
    bool,
    Parameter(
        negative="",
        help="Say what time, memory and disk the training will take, from a few photos and updates, and do "
        "nothing else. The folder is not made.",
    ),
]
_Shared = Annotated[
    Path | None,
    Parameter(
        help="Folder that keeps the proposals; runs on the same photos can share it. Default: in the run's."
    ),
]
_SharedMaps = Annotated[
    Path | None,
    Parameter(
        help="Folder that keeps the maps of photos, where --keep-maps asks for it; runs with the same frozen "
        "convolutions can share it. Default: in the run's."
    ),
]

train_app = App(
    name="train",
    help="Train a detector on a data set; 'minircnn train NAME --help' explains each one.",
    group_commands=Group("Commands"),
)


def _add_command(recipe: Recipe[Any]) -> None:
    """Make ``train NAME`` of a recipe: its options are the fields of its settings."""

    def command(
        data: Data,
        /,
        *,
        out: _Out,
        preset: _Preset = None,
        resume: _Resume = False,
        split: Split = None,
        photos: Photos = None,
        on_bad_box: Bad = "error",
        on_bad_photo: BadPhoto = "error",
        images: Images = None,
        jobs: NetworkJobs = 0,
        proposal_folder: _Shared = None,
        map_folder: _SharedMaps = None,
        validation: Annotated[ValidationOptions | None, Parameter(name="*", group=VALIDATION)] = None,
        checkpoint_every: _Every = _EVERY,
        estimate: _Estimate = False,
        profile: Profile = False,
        json: Json = False,
        device: DeviceName = "cpu",
        settings: Any = None,
    ) -> None:
        DETECTORS[recipe.name].require_device(device)
        if resume:
            require_run(out)
        dataset = open_dataset(
            data,
            split,
            default_split="train",
            on_bad_box=on_bad_box,
            on_bad_photo=on_bad_photo,
            images=images,
            limit=photos,
        )
        chosen = settings or recipe.settings()
        _check_proposals(chosen, proposal_folder, () if data == SCENES else sizes_of_dataset(dataset))
        curves = CurvesPicture(out, recipe.name, recipe.parts(chosen))
        asked = validation or ValidationOptions()
        validated = asked.plan(
            data, curves.draw, on_bad_box=on_bad_box, on_bad_photo=on_bad_photo, images=images
        )
        if estimate:
            parts = estimate_training(
                dataset,
                chosen,
                proposal_folder or out / "proposals",
                validation=validated,
                n_jobs=job_count(jobs),
                network_jobs=network_job_count(jobs, device),
                device=device,
                done=updates_done(curves.logs.values()) if resume else 0,
            )
            print_estimate(parts, out, json=json)
            return
        require_places(out, proposal_folder, map_folder)
        opened = {
            "split": split,
            "photos": photos,
            "on_bad_box": on_bad_box,
            "on_bad_photo": on_bad_photo,
            "images": None if images is None else os.path.abspath(images),
        }
        typed = {
            **{name: value for name, value in opened.items() if value != "error"},
            **asked.typed(),
            "jobs": jobs or None,
            "proposal_folder": proposal_folder,
            "map_folder": map_folder,
            "checkpoint_every": None if checkpoint_every == _EVERY else checkpoint_every,
            "device": None if device == "cpu" else device,
        }
        again = command_line("train", recipe.name, data, options={"out": out, "resume": True, **typed})
        with way_on(out, again), _profile_of_training(profile, device) as total, _drawn(curves):
            run = train(
                dataset,
                chosen,
                out,
                resume=resume,
                device=device,
                n_jobs=job_count(jobs),
                network_jobs=network_job_count(jobs, device),
                proposal_folder=proposal_folder,
                map_folder=map_folder,
                checkpoint_every=checkpoint_every,
                data_options={"source": data, **opened, **asked.stored()},
                validation=validated,
            )
        _announce(run, dataset, total, json=json)
        usable = {name: typed.get(name) for name in ("on_bad_box", "on_bad_photo", "images", "device")}
        usable = {"split": split_to_evaluate(data, split), **usable}
        note(f"next: {command_line('evaluate', out, data, options=usable)}")

    # Nested records would show their own defaults, which a recipe may replace: better none than a wrong one.
    command.__annotations__["settings"] = Annotated[
        recipe.settings | None, Parameter(name="*", group=_SETTINGS, show_default=False)
    ]
    command.__doc__ = _help(recipe)
    train_app.command(command, name=recipe.name)


def _check_proposals(settings: DetectorSettings, folder: Path | None, sizes: Iterable[Size]) -> None:
    """Refuse a `folder` for proposals that are not made; say what a search in big photos takes."""
    proposer = settings.proposer()
    if proposer is None:
        refuse_proposal_folder(DETECTORS[settings.detector].title, folder)
    note_big_photos(proposer, sizes, "--proposals.max-width")


def _help(recipe: Recipe[Any]) -> str:
    """Return what ``train NAME --help`` says: the recipe's own explanation, an example, what comes next."""
    run = f"runs/{recipe.name}"
    has_network = hasattr(recipe.settings(), "backbone")
    options = "--backbone.name vgg16 --backbone.weights vgg16.npz" if has_network else "--estimate"
    return f"""{inspect.cleandoc(recipe.explanation)}

For example:

    minircnn train {recipe.name} scenes --out {run}

    minircnn train {recipe.name} VOC2007 --out {run} {options}

Next: `minircnn evaluate {run} DATA --split val` and `minircnn explain {run} photo.jpg`.
"""


for _recipe in RECIPES.values():
    _add_command(_recipe)


@contextmanager
def _drawn(curves: CurvesPicture) -> Iterator[None]:
    """Draw the curves of a training that has ended or was stopped inside."""
    try:
        yield
    except TrainingInterrupted:
        curves.draw()
        raise
    curves.draw()


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
    """Say what was made and how long it took."""
    if json:
        result = {"model": run.model_path, "seconds": run.seconds, "photos": len(dataset)}
        if run.validation is not None:
            result["validation"] = asdict(run.validation)
        print_json(result if profile is None else {**result, "profile": profile_record(profile)})
    else:
        print(table(["part", "seconds"], [[part, round(s, 1)] for part, s in run.seconds.items()]))
        if profile is not None:
            print(f"\n{profile_table(profile, 'step')}\n")
        for line in validation_words(run):
            print(line)
        print(f"detector: {run.model_path}")
