"""Windows that fire together become one box: the grouping that came before non-maximum suppression."""

from __future__ import annotations

import numpy as np

from minircnn.textbook.boxes import Box


def _alike(one: Box, other: Box, eps: float) -> bool:
    """Return whether no edge of two boxes lies further apart than `eps` of their mean least side."""
    width = min(one[2] - one[0], other[2] - other[0])
    height = min(one[3] - one[1], other[3] - other[1])
    reach = eps * (width + height) / 2
    return all(abs(a - b) <= reach for a, b in zip(one, other, strict=True))


def group_boxes(boxes: list[Box], min_neighbors: int, eps: float) -> list[tuple[Box, int]]:
    """Return the mean box of each group of more than `min_neighbors` boxes, and how many they are.

    Viola and Jones 2001, section 5, average each overlapping set; what overlaps, how many it takes and that a
    weak group inside a strong one is dropped, is OpenCV's rule.
    """
    groups: list[list[Box]] = []
    for box in boxes:  # a box joins all groups that hold a like one, which become one
        near = [group for group in groups if any(_alike(box, member, eps) for member in group)]
        groups = [group for group in groups if group not in near]
        groups.append([member for group in near for member in group] + [box])
    found = [(_mean_box(group), len(group)) for group in groups if len(group) > min_neighbors]
    return [one for one in found if not any(_holds(other, one, eps) for other in found if other is not one)]


def _mean_box(group: list[Box]) -> Box:
    """Return the mean of boxes, in whole pixels, computed in single precision as in OpenCV."""
    share = np.float32(1) / np.float32(len(group))
    left, top = (round(float(np.float32(sum(box[i] for box in group)) * share)) for i in (0, 1))
    width, height = (
        round(float(np.float32(sum(box[i + 2] - box[i] for box in group)) * share)) for i in (0, 1)
    )
    return left, top, left + width, top + height


def _holds(strong: tuple[Box, int], weak: tuple[Box, int], eps: float) -> bool:
    """Return whether the first group is the stronger one and the second lies in it, give or take `eps`."""
    (a, many), (b, few) = strong, weak
    right, down = round((a[2] - a[0]) * eps), round((a[3] - a[1]) * eps)
    inside = a[0] - right <= b[0] and a[1] - down <= b[1] and b[2] <= a[2] + right and b[3] <= a[3] + down
    return inside and (many > max(3, few) or few < 3)
