"""Trainings of every recipe with a network, small enough for CuPy's stand-in."""

import dataclasses

import numpy as np
import pytest
from trained_detectors import shortened

from minircnn.data import Scenes
from minircnn.detectors import DETECTORS
from minircnn.proposals import SlidingWindow
from minircnn.structures import Annotations
from minircnn.training import RECIPES

SCENES = Scenes("train", count=3, size=96, heights=(24, 44))
WINDOWS = SlidingWindow(sizes=(40, 60), relative_stride=0.5)
WITH_A_NETWORK = [name for name in sorted(RECIPES) if DETECTORS[name].on_gpu]


def settings_of(name, iterations=3):
    """Return settings whose updates take little."""
    settings = shortened(RECIPES[name].presets["scenes-quick"], iterations)
    changes = {"backbone": dataclasses.replace(settings.backbone, widths=(24,), dropout=0.5)}
    if hasattr(settings, "sampling"):
        changes["sampling"] = dataclasses.replace(settings.sampling, images=2, rois_per_image=12)
    if hasattr(settings, "fine_tune"):
        changes["fine_tune"] = dataclasses.replace(settings.fine_tune, foreground=3, background=5)
    return dataclasses.replace(settings, **changes)


def proposals(dataset=SCENES):
    return [WINDOWS.propose(dataset.image(index)) for index in range(len(dataset))]


def parts():
    """Return every part of every recipe that makes updates, and its settings: none can be forgotten."""
    found = []
    for name in WITH_A_NETWORK:
        settings = settings_of(name)
        ways = [settings]
        if hasattr(settings, "schedule"):
            ways.append(dataclasses.replace(settings, schedule="alternating"))
        found += [
            pytest.param(part.trainer, way, id=f"{name}{part.suffix if part.what else ''}, {way_name}")
            for way, way_name in zip(ways, ("as usual", "by turns"), strict=False)
            for part in RECIPES[name].parts(way)
        ]
    return found


class Photos:
    """As many photos of one size as are wanted, of noise, with two objects each."""

    name, class_names, flippable = "noise", tuple(f"class {i}" for i in range(20)), True

    def __init__(self, count, height, width):
        rng = np.random.default_rng(0)
        self.image_ids = tuple(str(i) for i in range(count))
        self._images = rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)
        self._size = (height, width)

    def __len__(self):
        return len(self.image_ids)

    def image(self, index):
        return self._images[index]

    def annotations(self, index):
        height, width = self._size
        boxes = [[0.0, 0.0, width / 2, height / 2], [width / 3, height / 3, width, height]]
        labels, easy = np.array([1, 2]), np.zeros(2, bool)
        return Annotations(np.array(boxes), labels, self.class_names, height, width, difficult=easy)
