"""The bench of ``minircnn reproduce``: which photos, and how networks are trained on them."""

from __future__ import annotations

from pathlib import Path

from minircnn.cli.errors import UsageError
from minircnn.data import Scenes
from minircnn.data.opening import SCENES, open_dataset
from minircnn.data.scenes import DEFAULT_COUNT
from minircnn.experiments import Bench
from minircnn.structures import DetectionDataset
from minircnn.training import BackboneSettings

DEFAULT_PHOTOS, _QUICK_PHOTOS = (200, 200), (16, 8)
"""Scenes to train on and to test on."""
_QUICK_UPDATES = 0.2


def make_bench(
    *,
    quick: bool,
    data: str,
    splits: tuple[str, str],
    photos: tuple[int | None, int | None],
    backbone: BackboneSettings | None,
    updates: float | None,
    limit: int | None,
    folder: Path,
    jobs: int,
) -> Bench:
    """Return the photos, and how networks are trained on them.

    Raises
    ------
    UsageError
        If photos are both trained and tested on.
    DatasetError, ValueError
        If there are no such photos.
    """
    usual = _QUICK_PHOTOS if quick else DEFAULT_PHOTOS if data == SCENES else (None, None)
    first, second = (
        _open(data, split, own if count is None else count)
        for split, count, own in zip(splits, photos, usual, strict=True)
    )
    if data == SCENES and backbone is None:
        preset = "scenes-quick" if quick else "classroom"
    else:
        preset = "small" if backbone is None else "pretrained"
    share = _QUICK_UPDATES if quick and updates is None else updates or 1.0
    bench = Bench(
        first,
        second,
        folder,
        quick=quick,
        updates=share,
        preset=preset,
        backbone=backbone,
        limit=limit,
        jobs=jobs,
    )
    _require_apart(bench, data, splits)
    return bench


def _require_apart(bench: Bench, data: str, splits: tuple[str, str]) -> None:
    """Raise where photos are both trained and tested on."""
    learnt = set(bench.photo_digests(bench.train))
    both = [
        name
        for name, own in zip(bench.test.image_ids, bench.photo_digests(bench.test), strict=True)
        if own in learnt
    ]
    if both:
        raise UsageError(
            f"{data}: {len(both)} of the {len(bench.test)} photos of --test {splits[1]} are among those of "
            f"--train {splits[0]}, the first {both[0]!r}: no figure of such a test is worth "
            "anything; name lists without common photos, or shares: --train train:0.8 --test val:0.2"
        )


def _open(data: str, split: str, count: int | None) -> DetectionDataset:
    """Open one of the two sets of photos; of the scenes there are as many as are asked for."""
    if data == SCENES and split in DEFAULT_COUNT:
        return Scenes(split, count=count)
    return open_dataset(data, split, limit=count)
