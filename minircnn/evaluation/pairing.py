"""The door of every evaluation: what is judged must belong to the ground truth it is judged by."""

from __future__ import annotations

from collections.abc import Sequence

from minircnn.structures import Annotations, Detections


def common_classes(annotations: Sequence[Annotations]) -> tuple[str, ...]:
    """Return the class names all photos share.

    Raises
    ------
    ValueError
        If there is no photo or the photos name different classes.
    """
    if not annotations:
        raise ValueError("nothing to evaluate: no photo with annotations was given")
    names = annotations[0].class_names
    for i, truth in enumerate(annotations):
        if truth.class_names != names:
            raise ValueError(
                f"photo {i} ({truth.image_id}): other classes than photo 0; use one tuple for all"
            )
    return names


def paired_classes(detections: Sequence[Detections], annotations: Sequence[Annotations]) -> tuple[str, ...]:
    """Return the class names that detections and annotations, photo by photo, share.

    Raises
    ------
    ValueError
        If there is no photo, the two sequences differ in length or in class names.
    """
    if len(detections) != len(annotations):
        raise ValueError(f"detections of {len(detections)} photos but annotations of {len(annotations)}")
    names = common_classes(annotations)
    for i, found in enumerate(detections):
        if found.class_names != names:
            raise ValueError(
                f"photo {i} ({annotations[i].image_id}): detections and annotations name different classes"
            )
    return names
