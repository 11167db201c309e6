"""Training a cascade: stage after stage, each on what all before it got wrong (section 4)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minircnn.features import HaarFeatures, deviations, enumerate_haar
from minircnn.heads.cascade import Cascade, ScanSettings, build_cascade, judge_windows
from minircnn.structures import FloatArray, ImageArray, IntArray
from minircnn.training.viola_jones.negatives import NegativePool, Negatives
from minircnn.training.viola_jones.settings import CascadeSettings
from minircnn.training.viola_jones.stage import TrainedStage, train_stage

logger = logging.getLogger("minircnn")

_FEW_HELD_OUT = 20


@dataclass(frozen=True)
class TrainedCascade:
    """A cascade and how it came about.

    Parameters
    ----------
    cascade : Cascade
    trace : list of dict
        A record of each stage, ready for JSON.
    reason : str
        Why there is no further stage.
    """

    cascade: Cascade
    trace: list[dict[str, Any]] = field(default_factory=list)
    reason: str = ""


def train_cascade(
    positives: ImageArray,
    negative_photos: Sequence[ImageArray],
    settings: CascadeSettings | None = None,
    *,
    scan: ScanSettings | None = None,
    avoid: Sequence[FloatArray] | None = None,
    mirror: bool = False,
    seed: int | Sequence[int] = 0,
    title: str = "",
    progress: bool = False,
    begun: TrainedCascade | None = None,
    keep: Callable[[TrainedCascade], None] = lambda so_far: None,
) -> TrainedCascade:
    """Train a cascade on crops of an object and photos without it.

    Parameters
    ----------
    positives : (N, h, w) uint8 array
        The object, grey, each filling the window.
    negative_photos : sequence of (H, W) or (H, W, 3) uint8 arrays
        Where negatives are looked for.
    settings : CascadeSettings
        Its `window` must be that of `positives`.
    scan : ScanSettings
        Sizes of windows in the photos, and the least deviation of a window; default: those of OpenCV.
    avoid : sequence of (G, 4) float arrays, optional
        Objects in each photo, whose windows are no negatives. Default: there are none.
    mirror : bool
        Add the mirror image of every positive.
    seed : int, or several
    title : str
        For bars and messages.
    begun : TrainedCascade, optional
        Go on with these stages.
    keep : callable
        Called after every stage with what there is.

    Raises
    ------
    ValueError
        If the windows have another shape, there are no positives with contrast or no photos, or these hold
        too few windows without the object for the first stage.

    Examples
    --------
    >>> from minircnn.training import CascadeSettings, train_cascade
    >>> rng = np.random.default_rng(0)
    >>> lamps = np.full((30, 8, 8), 40, np.uint8); lamps[:, 2:6, 2:6] = 200
    >>> lamps += rng.integers(0, 30, lamps.shape, dtype=np.uint8)
    >>> photos = rng.integers(0, 255, (3, 40, 40), dtype=np.uint8)
    >>> trained = train_cascade(lamps, photos, CascadeSettings(window=(8, 8), stages=1, negatives=200))
    >>> [record["false_alarm"] for record in trained.trace]
    [0.0]
    """
    settings, scan = settings or CascadeSettings(), scan or ScanSettings()
    so_far = begun or TrainedCascade(Cascade.empty(*settings.shape, margin=settings.margin))
    if so_far.reason:
        return so_far
    numbers = [seed] if isinstance(seed, int) else list(seed)
    seen = _require_positives(positives, settings, scan, title)
    learn, held_out = _split(seen, settings, numbers)
    if mirror:  # after the split, so that no object is on both sides of it
        learn, held_out = (np.concatenate([some, some[:, :, ::-1]]) for some in (learn, held_out))
    boxes = avoid if avoid is not None else [np.zeros((0, 4))] * len(negative_photos)
    if len(negative_photos) == 0:
        raise ValueError(f"{title or 'cascade'}: there is no photo to look for negatives in")
    pool = NegativePool(negative_photos, boxes, settings, scan)
    all_features = enumerate_haar(*settings.shape, settings.kinds)  # type: ignore[arg-type]
    while not so_far.reason:
        so_far = _add_stage(so_far, learn, held_out, pool, all_features, numbers, title, progress)
        keep(so_far)
    logger.info("%s: %d stages; %s", title or "cascade", so_far.cascade.stages, so_far.reason)
    return so_far


def _add_stage(
    so_far: TrainedCascade,
    learn: ImageArray,
    held_out: ImageArray,
    pool: NegativePool,
    all_features: HaarFeatures,
    seed: Sequence[int],
    title: str,
    progress: bool,
) -> TrainedCascade:
    """Return `so_far` with a stage more, or with the reason why there is none."""
    settings, cascade = pool.settings, so_far.cascade
    number = cascade.stages
    rng = np.random.default_rng([*seed, number])
    name = f"{title or 'cascade'}, stage {number + 1}"
    negatives = pool.draw(cascade, rng, f"{name}: negatives", progress)
    if len(negatives.crops) < settings.least_negatives:
        if number == 0:
            raise ValueError(f"{title or 'cascade'}: {_too_few_negatives(negatives, settings)}")
        return TrainedCascade(cascade, so_far.trace, _pool_is_empty(negatives, settings))
    learn, validate = (_passing(crops, cascade) for crops in (learn, held_out))
    if min(len(learn), len(validate)) == 0:
        reason = f"no object passes the first {number} stages: raise cascade.hit_rate"
        return TrainedCascade(cascade, so_far.trace, reason)
    features = all_features.rows(_drawn(len(all_features), settings.features, rng))
    stage = train_stage(learn, negatives.crops, validate, features, settings, number)
    larger = _with_stage(cascade, stage)
    record = _record(stage, larger, negatives, len(validate) / len(held_out))
    trace = [*so_far.trace, record]
    full = larger.stages >= settings.stages
    return TrainedCascade(larger, trace, f"all {settings.stages} stages are trained" if full else "")


def _pool_is_empty(negatives: Negatives, settings: CascadeSettings) -> str:
    return (
        f"{negatives.false_alarms:,} of {negatives.windows:,} windows in all {negatives.photos:,} photos are "
        f"still false alarms, fewer than cascade.least_negatives ({settings.least_negatives}): only more "
        "photos without the object would teach another stage"
    )


def _too_few_negatives(negatives: Negatives, settings: CascadeSettings) -> str:
    height, width = settings.shape
    return (
        f"{negatives.windows:,} windows of {width}×{height} pixels lie in the {negatives.photos:,} photos, "
        f"and {len(negatives.crops):,} of them can be negatives (off the objects, with contrast), fewer than "
        f"cascade.least_negatives ({settings.least_negatives}): not even a first stage can be trained; add "
        "photos without the object, larger than a window"
    )


def _require_positives(
    positives: ImageArray, settings: CascadeSettings, scan: ScanSettings, title: str
) -> ImageArray:
    """Return the crops with contrast enough to be seen by a scan."""
    if positives.dtype != np.uint8 or positives.shape[1:] != settings.shape:
        raise ValueError(
            f"{title or 'cascade'}: positives must be grey windows (N, {settings.shape[0]}, "
            f"{settings.shape[1]}) uint8, got {positives.shape} of {positives.dtype}"
        )
    bright = deviations(positives, margin=settings.margin) > scan.min_std
    seen: ImageArray = positives[bright]
    if len(seen) == 0:
        raise ValueError(
            f"{title or 'cascade'}: none of the {len(positives)} positives has a standard deviation above "
            f"scan.min_std ({scan.min_std:g} grey levels), so none could be found"
        )
    return seen


def _split(
    crops: ImageArray, settings: CascadeSettings, seed: Sequence[int]
) -> tuple[ImageArray, ImageArray]:
    """Return what is learned from, and what thresholds are set on; all of both if there is little."""
    count = round(settings.held_out * len(crops))
    if count < _FEW_HELD_OUT:
        return crops, crops
    order = np.random.default_rng(seed).permutation(len(crops))
    return crops[np.sort(order[count:])], crops[np.sort(order[:count])]


def _passing(crops: ImageArray, cascade: Cascade) -> ImageArray:
    depth, _ = judge_windows(crops, cascade)
    passing: ImageArray = crops[depth == cascade.stages]
    return passing


def _drawn(count: int, wanted: int | None, rng: np.random.Generator) -> IntArray:
    """Return so many features at random, in their order; all if they are not more."""
    if wanted is None or wanted >= count:
        return np.arange(count)
    return np.sort(rng.choice(count, wanted, replace=False))


def _with_stage(cascade: Cascade, stage: TrainedStage) -> Cascade:
    """Return the cascade with a stage more."""
    own = build_cascade(
        cascade.height,
        cascade.width,
        stage.features,
        [(stage.weak(0), stage.threshold)],
        margin=cascade.margin,
    )
    return cascade.followed_by(own)


def _record(stage: TrainedStage, cascade: Cascade, negatives: Negatives, reached: float) -> dict[str, Any]:
    """Return what the trace says of a stage; `reached` is the part of the held-out objects it was shown."""
    return {
        "stage": cascade.stages,
        "features": len(stage.stumps),
        "all_features": len(cascade.node_feature),
        "hit_rate": stage.hit_rate,
        "detection_rate": reached * stage.hit_rate,
        "false_alarm": stage.false_alarm,
        "negatives": len(negatives.crops),
        "windows": negatives.windows,
        "false_alarms_before": negatives.false_alarms,
        "photos": negatives.photos,
    }
