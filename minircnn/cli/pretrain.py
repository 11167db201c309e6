"""``minircnn pretrain``: a backbone as a classifier first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter
from cyclopts.validators import Number

from minircnn.cli.curves import TRAINING_PICTURES, CurvesPicture
from minircnn.cli.errors import UsageError
from minircnn.cli.estimating import print_estimate, updates_done
from minircnn.cli.files import require_places
from minircnn.cli.next_commands import command_line
from minircnn.cli.options import BadPhoto, DeviceName, Json, Profile, require_device
from minircnn.cli.output import note, print_json
from minircnn.cli.profile import profile_if, profile_record, profile_table
from minircnn.cli.stopping import way_on
from minircnn.data import ImageFolder, SingleDigits
from minircnn.data.labelled import LabelledImages
from minircnn.data.opening import SCENES
from minircnn.data.problems import OnBadPhoto
from minircnn.data.single_digits import DIGITS
from minircnn.training import read_log
from minircnn.training.estimate import UPDATES
from minircnn.training.log import log_file
from minircnn.training.pretraining import (
    ACCURACY_LOG,
    PretrainSettings,
    estimate_pretraining,
    pretrain,
)
from minircnn.viz import draw_training

_SETTINGS = Group(
    "Settings",
    help="What the preset says unless given here. A run keeps its settings in settings.json.",
    sort_key=50,
)
_EVERY = 200
_Images = Annotated[
    str,
    Parameter(
        name="DATA",
        help="A folder with a folder of images for each class, or 'digits' for the built-in ones on photos.",
    ),
]
_Preset = Annotated[
    str | None,
    Parameter(
        help="Settings to start from: 'digits' (the default for the digits), 'digits-quick', 'small' (the "
        "tiny network on some thousand images, the default for a folder) or 'paper' (AlexNet, a million)."
    ),
]


def pretrain_command(
    data: _Images,
    /,
    *,
    out: Annotated[Path, Parameter(help="Folder of the run: settings, checkpoint, logs, weights.")],
    preset: _Preset = None,
    resume: Annotated[
        bool,
        Parameter(
            negative="",
            help="Continue the run in the folder, with its settings. The result equals that of an "
            "uninterrupted run.",
        ),
    ] = False,
    on_bad_photo: BadPhoto = "error",
    checkpoint_every: Annotated[
        int, Parameter(validator=Number(gte=1), help="Updates between two checkpoints.")
    ] = _EVERY,
    estimate: Annotated[
        bool,
        Parameter(
            negative="",
            help="Say what time, memory and disk it will take, from a few updates, and do nothing else.",
        ),
    ] = False,
    profile: Profile = False,
    json: Json = False,
    device: DeviceName = "cpu",
    settings: Annotated[
        PretrainSettings | None, Parameter(name="*", group=_SETTINGS, show_default=False)
    ] = None,
) -> None:
    """Teach a backbone to classify images; detectors then begin with its weights.

    That is the first half of R-CNN's recipe: supervised pre-training, where labels are plenty, then
    fine-tuning for detection, where they are few. Images that are not learnt from tell how well it does: the
    share named rightly is logged and drawn (curves.png).

    For example:

        minircnn pretrain digits --out runs/digits

        minircnn pretrain PHOTOS --out runs/photos --backbone.name squeezenet1_1 --batch 16

    Next: `minircnn train fast-rcnn scenes --out runs/fast --backbone.name tiny --backbone.weights
    runs/digits/weights.safetensors`.
    """
    require_device(device)
    chosen = settings or PretrainSettings()
    images, held_out = _open(data, chosen, on_bad_photo)
    log = log_file(out, chosen.detector)
    if estimate:
        done = updates_done([log]) if resume else 0
        parts = estimate_pretraining(images, chosen, held_out=held_out, device=device, done=done)
        print_estimate(parts, out, json=json, tried=f"{UPDATES} updates")
        return
    require_places(out, None)
    curves = CurvesPicture(out, chosen.detector, ())
    again = {
        "out": out,
        "resume": True,
        "on_bad_photo": None if on_bad_photo == "error" else on_bad_photo,
        "checkpoint_every": None if checkpoint_every == _EVERY else checkpoint_every,
        "device": None if device == "cpu" else device,
    }
    with way_on(out, command_line("pretrain", data, options=again)), profile_if(profile, device) as total:
        run = pretrain(
            images,
            chosen,
            out,
            held_out=held_out,
            resume=resume,
            device=device,
            checkpoint_every=checkpoint_every,
            data_options={"source": data, "on_bad_photo": on_bad_photo},
            after=curves.draw,
        )
    if json:
        result = {
            "weights": run.weights_path,
            "accuracy": run.accuracy,
            "images": run.images,
            "held_out": run.held_out,
            "seconds": run.seconds,
        }
        print_json(result if total is None else {**result, "profile": profile_record(total)})
    else:
        if total is not None:
            print(f"{profile_table(total, 'step')}\n")
        print(f"top-1 accuracy on {run.held_out:,} held-out images: {run.accuracy:.3f}")
        print(f"weights: {run.weights_path}")
    note(f"next: {_training(data, chosen.backbone.name, run.weights_path)}")


def _open(
    data: str, settings: PretrainSettings, on_bad_photo: OnBadPhoto
) -> tuple[LabelledImages, LabelledImages | None]:
    """Return the images to learn from, and those held out where they do not come from the same."""
    if data != DIGITS:
        return ImageFolder(data, on_bad_photo=on_bad_photo, progress=True), None
    if settings.held_out != PretrainSettings().held_out:
        raise UsageError(
            "--held-out is for folders: of the digits, writers and photos of their own are held out"
        )
    return SingleDigits("learn"), SingleDigits("held-out")


def _training(data: str, backbone: str, weights: Path) -> str:
    """Return the command that trains a detector from `weights`."""
    preset = None if data == DIGITS else "small" if backbone == "tiny" else "pretrained"
    options = {
        "out": weights.parent.with_name(f"{weights.parent.resolve().name}-fast-rcnn"),
        "preset": preset,
        "backbone.name": backbone,
        "backbone.weights": weights,
    }
    return command_line("train", "fast-rcnn", SCENES if data == DIGITS else "DATA", options=options)


@TRAINING_PICTURES.register(PretrainSettings.detector)
def _curves(folder: Path) -> Any:
    """Draw the losses and the accuracies of a run; None where nothing was learnt yet."""
    log = read_log(log_file(folder, PretrainSettings.detector))
    if not log:
        return None
    title, measure = f"pretrain: {folder.resolve().name}", ("accuracy", "held out, top-1")
    return draw_training(log, read_log(folder / ACCURACY_LOG), title, measure=measure)
