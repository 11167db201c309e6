"""The recipe: a cascade for each class of a data set, one after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from minircnn.detectors.viola_jones import GroupingSettings, ViolaJones
from minircnn.heads.cascade import Cascade, ScanSettings
from minircnn.training.loop import TrainingInterrupted
from minircnn.training.recipe import Recipe, TrainingJob, add_recipe
from minircnn.training.viola_jones.cascade import TrainedCascade, train_cascade
from minircnn.training.viola_jones.estimate import estimate_cascades
from minircnn.training.viola_jones.positives import (
    GreyPhotos,
    boxes_of_class,
    cut_positives,
    note_odd_classes,
)
from minircnn.training.viola_jones.settings import CascadeSettings, ViolaJonesSettings
from minircnn.training.viola_jones.trace import KeptCascades


def train_viola_jones(job: TrainingJob[ViolaJonesSettings]) -> ViolaJones:
    """Train a cascade for each class; what is done is kept after every stage.

    Raises
    ------
    TrainingInterrupted
        At ``loop.stop_after``, which counts stages.
    ValueError
        If no class has an object, or there is not enough to train a first stage.
    """
    kept = KeptCascades(job)
    done = kept.read()
    note_odd_classes(job.dataset, job.settings.cascade)
    photos = GreyPhotos(job.dataset)
    for number in range(len(job.dataset.class_names)):
        if number < len(done) and done[number].reason:
            continue

        def keep(so_far: TrainedCascade, number: int = number) -> None:
            done[number:] = [so_far]
            kept.write(done)
            _stop_here(job, done)

        one = _train_class(job, photos, number, done[number] if number < len(done) else None, keep)
        done[number:] = [one]
    kept.write(done)
    return _detector(job.settings, tuple(one.cascade for one in done), job.dataset.class_names)


def _train_class(
    job: TrainingJob[ViolaJonesSettings],
    photos: GreyPhotos,
    number: int,
    begun: TrainedCascade | None,
    keep: Callable[[TrainedCascade], None],
) -> TrainedCascade:
    """Return the cascade of class `number` (from 0)."""
    settings, name = job.settings, job.dataset.class_names[number]
    positives = cut_positives(job.dataset, photos, number + 1, settings.cascade)
    if len(positives) == 0:
        return TrainedCascade(Cascade.none(*settings.cascade.shape), [], "no object to learn from")
    return train_cascade(
        positives,
        photos,
        settings.cascade,
        scan=settings.scan,
        avoid=boxes_of_class(job.dataset, number + 1),
        mirror=settings.flip and job.dataset.flippable,
        seed=[settings.seed, number],
        title=f"class {name}",
        progress=job.loop.progress,
        begun=begun,
        keep=keep,
    )


def _stop_here(job: TrainingJob[ViolaJonesSettings], done: list[TrainedCascade]) -> None:
    stages = sum(len(one.trace) for one in done)
    if job.loop.stop_after is not None and stages >= job.loop.stop_after:
        raise TrainingInterrupted(f"stopped after {stages} stages, which are kept")


def _detector(
    settings: ViolaJonesSettings, cascades: tuple[Cascade, ...], class_names: tuple[str, ...]
) -> ViolaJones:
    return ViolaJones(
        cascades,
        class_names,
        settings.scan,
        settings.grouping,
        settings.cascade.growth,
        None,
        settings.postprocess,
        settings.batch,
    )


# Digits are higher than wide, and a scene is small: fewer examples and stages, and windows that lie close to
# an object teach where it ends.
_SCENES = ViolaJonesSettings(
    cascade=CascadeSettings(
        window=(20, 14),
        features=1000,
        stages=10,
        layer_sizes=(),
        most_features=60,
        hit_rate=0.98,
        negatives=1000,
        least_negatives=50,
        negative_iou=0.3,
        margin=1,
    ),
    scan=ScanSettings(scale_factor=1.15, skip=False),
    grouping=GroupingSettings(min_neighbors=1),
)

VIOLA_JONES_PRESETS: dict[str, ViolaJonesSettings] = {
    "paper": ViolaJonesSettings(),
    "scenes": _SCENES,
    "classroom": dataclasses.replace(
        _SCENES, cascade=dataclasses.replace(_SCENES.cascade, features=500, stages=7, negatives=700)
    ),
    "scenes-quick": dataclasses.replace(
        _SCENES,
        cascade=dataclasses.replace(_SCENES.cascade, features=120, stages=3, most_features=6, negatives=250),
        scan=ScanSettings(scale_factor=1.3, skip=False),
    ),
}

add_recipe(
    Recipe(
        "viola-jones",
        ViolaJonesSettings,
        VIOLA_JONES_PRESETS,
        train_viola_jones,
        """Train Viola and Jones' detector: an attentional cascade for each class, stage by stage.

        The objects of a class are brought to the window and boosting picks Haar features that tell them from
        windows elsewhere. What a stage lets pass by mistake is what the next one learns from, until no
        false alarms are left in the photos. Objects that are held out set the thresholds. Ctrl-C leaves all
        finished stages.
        """,
        validates=False,  # a cascade without its last stages lets nearly everything pass
        estimate=estimate_cascades,
    )
)
