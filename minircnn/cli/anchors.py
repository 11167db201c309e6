"""``minircnn anchors``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter

from minircnn.backbones import build_backbone
from minircnn.boxes import AnchorSettings, base_anchors, best_anchor_iou, suggest_anchors
from minircnn.checks import checked, optional, real, require_order, whole
from minircnn.cli.anchor_report import fit_record, fit_words, measured_record, measured_words
from minircnn.cli.errors import UsageError
from minircnn.cli.files import refuse_to_overwrite, require_writable
from minircnn.cli.next_commands import command_line, option_words
from minircnn.cli.options import (
    Bad,
    BadPhoto,
    Data,
    DeviceName,
    Images,
    Json,
    Overwrite,
    Photos,
    Seed,
    Split,
    note_no_device,
)
from minircnn.cli.output import note, print_json
from minircnn.cli.presets import preset_of
from minircnn.data.opening import open_dataset
from minircnn.detectors import ImageScale
from minircnn.evaluation.errors.sizes import size_bands
from minircnn.structures import DetectionDataset, FloatArray, IntArray
from minircnn.training import FasterRCNNSettings
from minircnn.training.backbone import ALL_CONVOLUTIONS
from minircnn.viz import draw_anchor_sizes, save_figure

_ANOTHER = "another file with --draw"
_DETECTOR = "faster-rcnn"


def anchors(
    data: Data,
    /,
    *,
    preset: Annotated[
        str | None, Parameter(help="Of train faster-rcnn: scale of the photos, stride, anchors to compare.")
    ] = None,
    short_side: int | None = None,
    max_long_side: int | None = None,
    stride: float | None = None,
    ratios: int | None = None,
    scales: int | None = None,
    draw: Path | None = None,
    split: Split = None,
    photos: Photos = None,
    on_bad_box: Bad = "error",
    on_bad_photo: BadPhoto = "error",
    images: Images = None,
    overwrite: Overwrite = False,
    json: Json = False,
    seed: Seed = 0,
    device: DeviceName = "cpu",
) -> None:
    """Which anchors suit your objects? A suggestion for Faster R-CNN, beside the anchors of the preset.

    Anchors are the boxes that a Faster R-CNN begins with. An object that none of them overlaps well is learnt
    badly and found seldom. Measures the objects of a data set as the network will see them, suggests as many
    anchors as the preset has, and says of both how many objects have an anchor with an IoU of 0.5 and of 0.7
    (from which on an anchor is trained to find its object), and how large the mean IoU of an object with its
    best anchor is, by share of the photo's area. No photo is read, no network run.

    For example:

        minircnn anchors scenes

        minircnn anchors VOC2007 --preset pretrained --draw anchors.png

    Next: `minircnn train faster-rcnn DATA --out runs/faster` with the options that are printed.

    Parameters
    ----------
    short_side
        Pixels of the photos' shorter side at the network's input. Default: the preset's.
    max_long_side
        Most pixels of the longer side. Default: the preset's.
    stride
        Pixels from cell to cell of the feature map. Default: that of the preset's network.
    ratios
        Ratios of height to width to suggest. Default: as many as the preset has.
    scales
        Scales to suggest. Default: as many as the preset has.
    draw
        Draw sides of objects and anchors into this file (.png).
    """
    note_no_device(device)
    settings: FasterRCNNSettings = preset_of(_DETECTOR, preset, data)
    scale, changed = _scale(settings.scale, short_side, max_long_side)
    stride = checked("--stride", stride, optional(real(0, above=True))) or _stride(settings)
    counts = {
        "num_ratios": checked("--ratios", ratios, optional(whole(1))) or len(settings.anchors.ratios),
        "num_scales": checked("--scales", scales, optional(whole(1))) or len(settings.anchors.scales),
    }
    if draw is not None:
        _require_place(draw, overwrite=overwrite)
    dataset = open_dataset(
        data,
        split,
        default_split="train",
        on_bad_box=on_bad_box,
        on_bad_photo=on_bad_photo,
        images=images,
        limit=photos,
        need_photos=False,
    )
    objects, bands = scaled_objects(dataset, scale)
    sides = objects[:, 2:] - objects[:, :2]  # (G, 2)
    suggested = suggest_anchors(sides, **counts, base_size=stride)
    compared = {"suggested": suggested, "preset": settings.anchors}
    fits = {name: best_anchor_iou(objects, own, stride) for name, own in compared.items()}
    options = _options(suggested)
    if draw is not None:
        _draw(draw, sides, compared, dataset.name)
    if json:
        sets = {name: fit_record(own, fits[name], bands) for name, own in compared.items()}
        facts = measured_record(dataset, sides, scale, stride)
        print_json({**facts, **sets, "options": option_words(options)})
    else:
        print(measured_words(dataset, sides, scale, stride))
        print(fit_words(compared, fits, bands))
        print(f"options: {' '.join(option_words(options))}")
    data_options = {
        "split": split,
        "photos": photos,
        "on_bad_box": None if on_bad_box == "error" else on_bad_box,
        "on_bad_photo": None if on_bad_photo == "error" else on_bad_photo,
        "images": images,
    }
    usable = {"out": "runs/faster", "preset": preset, **_weights(settings), **data_options}
    asked = {**usable, **changed, **options}
    note(f"next: {command_line('train', _DETECTOR, data, options=asked)}")


def _scale(
    usual: ImageScale, short_side: int | None, max_long_side: int | None
) -> tuple[ImageScale, dict[str, int]]:
    """Return how photos are scaled, and the options of ``train`` that say what is not usual."""
    given = {"short_side": short_side, "max_long_side": max_long_side}
    sides = {name: checked(f"--{name.replace('_', '-')}", v, optional(whole(1))) for name, v in given.items()}
    short = sides["short_side"] or usual.short_side
    # the preset's limit is none for what is asked for
    long = sides["max_long_side"] or max(usual.max_long_side, short or 0)
    require_order("--short-side", short or 0, "--max-long-side", long)
    chosen = ImageScale(short, long)
    changed = {
        f"scale.{name}": getattr(chosen, name)
        for name in given
        if getattr(chosen, name) != getattr(usual, name)
    }
    return chosen, changed


def _stride(settings: FasterRCNNSettings) -> float:
    """Return the pixels from cell to cell of the map of the network that `settings` name."""
    return float(build_backbone(settings.backbone.name, **settings.backbone.options).stride)


def _require_place(draw: Path, *, overwrite: bool) -> None:
    """See before the work that the picture can be written."""
    if draw.suffix.lower() != ".png":
        raise UsageError(f"--draw writes .png files: name one, e.g. {draw}.png, not {draw}")
    refuse_to_overwrite([draw], overwrite=overwrite, another=_ANOTHER)
    require_writable(draw.parent, another=_ANOTHER)


def scaled_objects(dataset: DetectionDataset, scale: ImageScale) -> tuple[FloatArray, IntArray]:
    """Return all objects (G, 4) but the difficult ones, as the network sees them, and their bands (G,).

    Raises
    ------
    ValueError
        If there is none.
    """
    objects: list[FloatArray] = [np.zeros((0, 4))]
    bands: list[IntArray] = [np.zeros(0, dtype=np.int64)]
    for index in range(len(dataset.image_ids)):
        truth = dataset.annotations(index)
        boxes = truth.boxes[~truth.difficult].astype(np.float64)
        objects.append(boxes * scale.factor(truth.height, truth.width))
        bands.append(size_bands(boxes, truth))
    together = np.concatenate(objects)
    if len(together) == 0:
        raise ValueError(f"data set {dataset.name} has no (not difficult) object to make anchors for")
    return together, np.concatenate(bands)


def _weights(settings: FasterRCNNSettings) -> dict[str, str]:
    """Return the option that names weights, where the preset's layers stay as they are and need some."""
    backbone = settings.backbone
    return {"backbone.weights": backbone.name} if ALL_CONVOLUTIONS in (backbone.frozen or ()) else {}


def _options(suggested: AnchorSettings) -> dict[str, Any]:
    """Return the options of ``train`` that ask for these anchors."""
    return {
        "anchors.base-size": f"{suggested.base_size:g}",
        "anchors.no-rounded": True,
        "anchors.ratios": [f"{ratio:g}" for ratio in suggested.ratios],
        "anchors.scales": [f"{scale:g}" for scale in suggested.scales],
    }


def _draw(path: Path, sides: FloatArray, compared: Mapping[str, AnchorSettings], name: str) -> None:
    """Write the picture of objects and anchors."""
    crosses = {}
    for label, own in compared.items():
        boxes = base_anchors(own)
        crosses[f"anchors: {label}"] = boxes[:, 2:] - boxes[:, :2]
    save_figure(draw_anchor_sizes(sides, crosses, f"Objects and anchors: {name}"), path)
    note(f"picture: {path}")
