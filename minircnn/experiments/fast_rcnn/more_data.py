"""What more photos to learn from are worth (Fast R-CNN, section 5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from minircnn.data.selection import SomePhotos
from minircnn.experiments.base import MAP, Column, Effect, Experiment, Measurement, Row, add_experiment
from minircnn.experiments.bench import Bench
from minircnn.structures import DetectionDataset

_SHARES = (0.125, 0.25, 0.5, 1.0)
_SEEN = 100
"""Photos of the training that the detector is tried on, at most."""


def rows(bench: Bench) -> Sequence[Row]:
    """Return a row for each share of the photos."""
    shares = _SHARES[1::2] if bench.quick else _SHARES
    return [
        Row(
            f"share-{share:g}",
            "all photos" if share == 1 else f"1/{round(1 / share)} of the photos",
            partial(_measure, share=share),
            x=share,
        )
        for share in shares
    ]


def share_of(bench: Bench, share: float) -> DetectionDataset:
    """Return this share of the training photos, drawn under the seed; smaller shares lie in larger ones."""
    if share == 1:
        return bench.train
    order = np.random.default_rng(bench.seed).permutation(len(bench.train))
    return SomePhotos(bench.train, order[: max(1, round(share * len(order)))].tolist())


def _measure(bench: Bench, share: float) -> Measurement:
    photos = share_of(bench, share)
    detector = bench.trained(bench.settings("fast-rcnn"), photos)
    seen = SomePhotos(photos, range(min(_SEEN, len(photos))))
    return Measurement(
        {
            "map": bench.evaluate(detector).map,
            "seen": bench.evaluate(detector, dataset=seen).map,
            "photos": float(len(photos)),
        }
    )


add_experiment(
    Experiment(
        name="more-data",
        title="More photos to learn from",
        source="Fast R-CNN, section 5.3",
        teaches="What are more photos worth, on others and on those learnt from?",
        differs="Shares of one data set, all with the same number of updates. The paper adds the photos of "
        "VOC 2012 to those of VOC 2007, which trebles their number, and trains half as long again.",
        columns=[MAP, Column("seen", "mAP on training photos"), Column("photos", "photos", 0, "exact")],
        rows=rows,
        effects=[
            Effect("twice the photos", "share-1", "share-0.5"),
            Effect("four times the photos (paper: three)", "share-1", "share-0.25", published=0.031),
            Effect("eight times the photos", "share-1", "share-0.125"),
            Effect("four times the photos, on those learnt from", "share-1", "share-0.25", "seen"),
        ],
        x_title="share of the training photos",
        minutes=15,
    )
)
