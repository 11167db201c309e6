"""One scale of the photo against several (Fast R-CNN, section 5.2, table 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, cast

import numpy as np

from minircnn.arrays import Array, array_namespace, like
from minircnn.detectors import FastRCNN, ImageScale, RegionDetector
from minircnn.detectors.fast_rcnn import PhotoMap
from minircnn.detectors.sppnet import nearest_scale
from minircnn.evaluation import evaluate_voc
from minircnn.experiments.base import MAP, Column, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench
from minircnn.structures import FloatArray, ImageArray, IntArray
from minircnn.training import FastRCNNSettings

_FACTORS = (0.8, 0.96, 688 / 600, 1.44, 2.0)
"""480, 576, 688, 864 and 1200 pixels, in units of the one scale of 600."""


@dataclass(frozen=True)
class ScaledMaps(PhotoMap):
    """The maps of a photo at several scales; the first is the photo's map, too."""

    maps: tuple[PhotoMap, ...] = ()


@dataclass
class ScaledFastRCNN(FastRCNN):
    """A Fast R-CNN that takes each region from the scale at which it is nearest to one size."""

    scales: tuple[ImageScale, ...] = ()

    def look(self, image: ImageArray) -> ScaledMaps:
        """Run the convolutional layers over the whole photo, once per scale."""
        self.network.eval()
        inputs = [self.network_input(image, scale) for scale in self.scales]
        maps = tuple(PhotoMap(image, self.network.features(pixels), factor) for pixels, factor in inputs)
        return ScaledMaps(image, maps[0].map, maps[0].scale, maps)

    def judge(self, view: PhotoMap, boxes: FloatArray) -> tuple[Array, Array]:
        """Judge each region on the map of its scale."""
        maps = cast(ScaledMaps, view).maps
        scale_of = nearest_scale(tuple(one.scale for one in maps), boxes, self.target_side)  # (R,)
        rows = [np.flatnonzero(scale_of == i) for i in range(len(maps))]
        parts = [
            super(ScaledFastRCNN, self).judge(one, boxes[own]) for one, own in zip(maps, rows, strict=True)
        ]
        scores, moved = zip(*parts, strict=True)
        xp = array_namespace(*scores)
        place = like(np.argsort(np.concatenate(rows)), scores[0])  # back to the order of the boxes
        return xp.take(xp.concat(scores), place, axis=0), xp.take(xp.concat(moved), place, axis=0)

    def batches(self, view: PhotoMap, proposals: FloatArray) -> list[IntArray]:
        """Return batches of regions as they come."""
        return RegionDetector.batches(self, view, proposals)

    @property
    def target_side(self) -> int:
        """Pixels across of the region for which bins have two cells a side: 224 of VGG16."""
        pool = self.network.roi_pool
        return round(2 * pool.output_size[0] / pool.spatial_scale)


def rows(bench: Bench) -> Sequence[Row]:
    """Return rows for one scale and for five, in training and at test."""
    found = [
        Row("one", "one scale", partial(_measure, training=False, test=False), {"map": 0.592}),
        Row("test", "five scales at test only", partial(_measure, training=False, test=True)),
        Row("training", "five scales in training only", partial(_measure, training=True, test=False)),
        Row("five", "five scales", partial(_measure, training=True, test=True), {"map": 0.607}),
    ]
    return found[::3] if bench.quick else found


def sides_of(bench: Bench) -> tuple[int, ...]:
    """Return the shorter sides of photos at the five scales."""
    side = bench.settings("fast-rcnn").scale.short_side
    if side is None:  # the photos' own
        truths = [bench.train.annotations(index) for index in range(len(bench.train))]
        side = float(np.median([min(truth.height, truth.width) for truth in truths]))
    return tuple(round(side * factor) for factor in (_FACTORS[:2] if bench.quick else _FACTORS))


def several_scales(bench: Bench) -> FastRCNNSettings:
    """Return settings of a training that draws the scale of each photo."""
    longest = 2 * bench.settings("fast-rcnn").scale.max_long_side  # 2000 in the paper
    changes = {"training_scales": sides_of(bench), "scale.max_long_side": longest}
    settings: FastRCNNSettings = bench.settings("fast-rcnn", changes)
    return settings


def at_scales(detector: FastRCNN, scales: tuple[ImageScale, ...]) -> ScaledFastRCNN:
    """Return `detector`, looking at photos at these scales."""
    parts = {field.name: getattr(detector, field.name) for field in fields(FastRCNN)}
    return ScaledFastRCNN(**parts, scales=scales)


def _measure(bench: Bench, training: bool, test: bool) -> Measurement:
    one, several = bench.settings("fast-rcnn"), several_scales(bench)
    detector: Any = bench.trained(several if training else one)
    detector.scale = one.scale
    if test:
        longest = several.scale.max_long_side
        detector = at_scales(detector, tuple(ImageScale(side, longest) for side in sides_of(bench)))
    outcome = bench.run(detector)
    return Measurement(
        {
            "map": evaluate_voc(outcome.detections, outcome.annotations).map,
            "seconds": bench.seconds_a_photo(detector),
        }
    )


add_experiment(
    Experiment(
        name="scales",
        title="One scale or five",
        source="Fast R-CNN, section 5.2 and table 7",
        teaches="What is gained by seeing photos at five scales, for several times the work?",
        differs="Published figures are those of model M. The five scales are as far from the one as in the "
        "paper. A region goes to the scale at which its bins are nearest to two cells wide, 224 pixels for "
        "VGG16.",
        columns=[MAP, Column("seconds", "s/photo without proposals", 4, "time")],
        rows=rows,
        effects=[
            Effect("five scales", "five", "one"),
            Effect("five scales at test alone", "test", "one"),
            Effect("five scales in training alone", "training", "one"),
            Effect("five scales, time", "five", "one", "seconds", ratio=True),
        ],
        minutes=15,
        seeds=2,
    )
)
