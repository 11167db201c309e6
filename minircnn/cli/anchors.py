"""``minircnn anchors``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter

from minircnn.backbones import build_backbone
from minircnn.boxes import AnchorSettings, base_anchors, best_anchor_iou, suggest_anchors
from minircnn.checks import checked, optional, real, whole
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
    require_device,
)
from minircnn.cli.output import note, print_json, table
from minircnn.cli.presets import preset_of
from minircnn.data.opening import open_dataset
from minircnn.detectors import ImageScale
from minircnn.evaluation.errors.sizes import SIZES, size_bands
from minircnn.structures import DetectionDataset, FloatArray, IntArray
from minircnn.training import FasterRCNNSettings
from minircnn.viz import draw_anchor_sizes, save_figure

_THRESHOLDS = (0.5, 0.7)
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
        Draw sides of objects and anchors into this file (.png or .svg).
    """
    require_device(device)
    settings: FasterRCNNSettings = preset_of(_DETECTOR, preset, data)
    scale, changed = _scale(settings.scale, short_side, max_long_side)
    stride = checked("--stride", stride, optional(real(0, above=True))) or _stride(settings)
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
    counts = {
        "num_ratios": checked("--ratios", ratios, optional(whole(1))) or len(settings.anchors.ratios),
        "num_scales": checked("--scales", scales, optional(whole(1))) or len(settings.anchors.scales),
    }
    suggested = suggest_anchors(sides, **counts, base_size=stride)
    compared = {"suggested": suggested, "preset": settings.anchors}
    fits = {name: best_anchor_iou(objects, own, stride) for name, own in compared.items()}
    options = _options(suggested)
    if draw is not None:
        _draw(draw, sides, compared, dataset.name)
    if json:
        sets = {name: _record(own, fits[name], bands) for name, own in compared.items()}
        print_json({**_facts(dataset, sides, scale, stride), **sets, "options": option_words(options)})
    else:
        print(_words(dataset, sides, scale, stride, compared))
        print(table(_HEADER, [row for name, iou in fits.items() for row in _rows(name, iou, bands)]))
        print(f"options: {' '.join(option_words(options))}")
    data_options = {
        "split": split,
        "photos": photos,
        "on_bad_box": None if on_bad_box == "error" else on_bad_box,
        "on_bad_photo": None if on_bad_photo == "error" else on_bad_photo,
        "images": images,
    }
    asked = {"out": "runs/faster", "preset": preset, **data_options, **changed, **options}
    note(f"next: {command_line('train', _DETECTOR, data, options=asked)}")


def _scale(
    usual: ImageScale, short_side: int | None, max_long_side: int | None
) -> tuple[ImageScale, dict[str, int]]:
    """Return how photos are scaled, and the options of ``train`` that say what is not usual."""
    given = {"short_side": short_side, "max_long_side": max_long_side}
    sides = {name: checked(f"--{name.replace('_', '-')}", v, optional(whole(1))) for name, v in given.items()}
    chosen = ImageScale(
        sides["short_side"] or usual.short_side,
        # a longer side that would undo what is asked for is no limit that was asked for
        sides["max_long_side"] or max(usual.max_long_side, sides["short_side"] or 0),
    )
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
    if draw.suffix.lower() not in (".png", ".svg"):
        raise UsageError(f"--draw writes .png or .svg files: name one, e.g. {draw}.png, not {draw}")
    refuse_to_overwrite([draw], overwrite=overwrite, another=_ANOTHER)
    require_writable(draw.parent, another=_ANOTHER)


def scaled_objects(dataset: DetectionDataset, scale: ImageScale) -> tuple[FloatArray, IntArray]:
    """Return all objects (G, 4) but the difficult ones, as the network sees them, and their bands (G,).

    Raises
    ------
    ValueError
        If there is none.
    """
    objects, bands = [np.zeros((0, 4))], [np.zeros(0, dtype=np.int64)]
    for index in range(len(dataset.image_ids)):
        truth = dataset.annotations(index)
        boxes = truth.boxes[~truth.difficult].astype(np.float64)
        objects.append(boxes * scale.factor(truth.height, truth.width))
        bands.append(size_bands(boxes, truth))
    together = np.concatenate(objects)
    if len(together) == 0:
        raise ValueError(f"data set {dataset.name} has no (not difficult) object to make anchors for")
    return together, np.concatenate(bands)


def _options(suggested: AnchorSettings) -> dict[str, Any]:
    """Return the options of ``train`` that ask for these anchors."""
    return {
        "anchors.base-size": f"{suggested.base_size:g}",
        "anchors.no-rounded": True,
        "anchors.ratios": [f"{ratio:g}" for ratio in suggested.ratios],
        "anchors.scales": [f"{scale:g}" for scale in suggested.scales],
    }


_HEADER = ["anchors", "share of the photo", "objects", "IoU ≥ 0.5", "IoU ≥ 0.7", "mean IoU"]


def _rows(name: str, iou: FloatArray, bands: IntArray) -> list[list[Any]]:
    """Return how well anchors fit: all objects, and those of each band of sizes."""
    parts = {"all": iou, **{band: iou[bands == i] for i, band in enumerate(SIZES)}}
    return [[name, part, len(own), *_fit(own).values()] for part, own in parts.items()]


def _fit(iou: FloatArray) -> dict[str, float | None]:
    """Return the shares of objects that anchors reach, and the mean IoU; None where there is no object."""
    known = len(iou) > 0
    shares = {f"recall_{level:g}": float((iou >= level).mean()) if known else None for level in _THRESHOLDS}
    return {**shares, "mean_iou": float(iou.mean()) if known else None}


def _record(settings: AnchorSettings, iou: FloatArray, bands: IntArray) -> dict[str, Any]:
    """Return a set of anchors and how well it fits, ready for JSON."""
    by_size = {
        band: {"objects": int((bands == i).sum()), **_fit(iou[bands == i])} for i, band in enumerate(SIZES)
    }
    named = {name: getattr(settings, name) for name in ("base_size", "ratios", "scales", "rounded")}
    return {**named, **_fit(iou), "by_size": by_size}


def _facts(dataset: DetectionDataset, sides: FloatArray, scale: ImageScale, stride: float) -> dict[str, Any]:
    """Return what was measured, ready for JSON."""
    return {
        "data": dataset.name,
        "photos": len(dataset.image_ids),
        "objects": len(sides),
        "short_side": scale.short_side,
        "max_long_side": scale.max_long_side,
        "stride": stride,
    }


def _words(
    dataset: DetectionDataset,
    sides: FloatArray,
    scale: ImageScale,
    stride: float,
    compared: Mapping[str, AnchorSettings],
) -> str:
    """Return what was measured and what is compared, for people."""
    low, middle, high = np.quantile(np.sqrt(sides.prod(axis=1)), (0.05, 0.5, 0.95))
    size = "own size" if scale.short_side is None else f"{scale.short_side} to {scale.max_long_side} pixels"
    lines = [
        f"{dataset.name}: {len(dataset.image_ids):,} photos at their {size}, {len(sides):,} objects of about "
        f"{middle:.0f} pixels (nine of ten: {low:.0f} to {high:.0f}), stride {stride:g}"
    ]
    for name, own in compared.items():
        pixels = ", ".join(f"{own.base_size * scale:.0f}" for scale in own.scales)
        ratios = ", ".join(f"{ratio:g}" for ratio in own.ratios)
        lines.append(f"{name}: {own.num_anchors} anchors, height : width {ratios}; sides of {pixels} pixels")
    return "\n".join(lines)


def _draw(path: Path, sides: FloatArray, compared: Mapping[str, AnchorSettings], name: str) -> None:
    """Write the picture of objects and anchors."""
    crosses = {}
    for label, own in compared.items():
        boxes = base_anchors(own)
        crosses[f"anchors: {label}"] = boxes[:, 2:] - boxes[:, :2]
    save_figure(draw_anchor_sizes(sides, crosses, f"Objects and anchors: {name}"), path)
    note(f"picture: {path}")
