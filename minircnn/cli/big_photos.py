"""Photos of many pixels: what proposals and network will take, before, and how far a search is, meanwhile."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from minircnn.arrays import Device
from minircnn.cli.output import note
from minircnn.detectors import RegionDetector
from minircnn.imaging import ImageError, read_header
from minircnn.progress import duration, progress_bar
from minircnn.proposals import Proposer, SelectiveSearch, watched_search
from minircnn.structures import DetectionDataset

_MUCH = 1e9  # bytes from which on it is told

Size = tuple[str, int, int]
"""Name, height and width of a photo."""


def sizes_of_files(photos: Iterable[Path]) -> Iterator[Size]:
    """Yield the sizes of those `photos` whose header tells them."""
    for photo in photos:
        with suppress(ImageError):
            header = read_header(photo)
            yield str(photo), header.height, header.width


def sizes_of_dataset(dataset: DetectionDataset) -> Iterator[Size]:
    """Yield the sizes of all photos of a data set, as its annotations tell them."""
    for index, image_id in enumerate(dataset.image_ids):
        truth = dataset.annotations(index)
        yield image_id, truth.height, truth.width


def note_big_photos(proposer: Proposer | None, sizes: Iterable[Size], option: str = "") -> None:
    """Say what the search in the largest photo will take, if it is much, and which `option` helps."""
    if not isinstance(proposer, SelectiveSearch):
        return
    needs = [(*proposer.estimate(height, width), name, height, width) for name, height, width in sizes]
    if not needs:
        return
    memory, seconds, name, height, width = max(needs)
    if memory < _MUCH:
        return
    text = (
        f"{name} has {height * width / 1e6:.3g} megapixels: selective search will take about "
        f"{memory / 1e9:.1f} GB and {duration(seconds)}"
    )
    smaller = SelectiveSearch(proposer.mode, max_width=1000, strategies=proposer.strategies)
    less, sooner = smaller.estimate(height, width)
    if option and less < memory / 2:
        text += f"; {option} 1000 needs {less / 1e9:.1f} GB and {duration(sooner)}"
    note(text)


def note_full_size(detector: RegionDetector[Any], sizes: Iterable[Size], device: Device) -> None:
    """Say what the network will hold of the largest photo, where photos are not scaled and it is much."""
    scale = getattr(detector, "scale", None)
    if scale is None or scale.short_side is not None or device != "cpu":
        return
    name, height, width = max(sizes, key=lambda size: size[1] * size[2], default=("", 0, 0))
    if height * width < _MUCH / 1000:  # no network here holds so much of a pixel
        return
    memory = _bytes_per_pixel(detector.network.features) * height * width  # type: ignore[attr-defined]
    if memory >= _MUCH:
        note(
            f"{name} has {height * width / 1e6:.3g} megapixels, and this detector was trained with "
            f"--scale.short-side none: its network will hold about {memory / 1e9:.1f} GB; a smaller copy "
            "of the photo needs less"
        )


def _bytes_per_pixel(features: Any) -> float:
    """Return what the convolutional layers hold at most, measured on a small photo."""
    photo = np.zeros((1, 3, 256, 256), np.float32)
    features(photo)  # what is made once stays
    tracemalloc.start()
    try:
        features(photo)
        return float(tracemalloc.get_traced_memory()[1] / photo[0, 0].size)
    finally:
        tracemalloc.stop()


@contextmanager
def search_bar(what: str) -> Iterator[None]:
    """Show how far a search inside the ``with`` statement is, once it takes longer than a second."""
    bar: Any = None

    def show(done: int, total: int) -> None:
        nonlocal bar
        if bar is None or done < bar.n:
            if bar is not None:
                bar.close()
            bar = progress_bar(total=total, desc=f"proposals of {what}", unit="step", delay=1, leave=False)
        bar.update(done - bar.n)

    try:
        with watched_search(show):
            yield
    finally:
        if bar is not None:
            bar.close()
