"""Rules of suppression by name: which boxes of one class stay, and with what scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from minircnn.arrays import Array, array_namespace
from minircnn.boxes.suppression import nms
from minircnn.registry import Registry

NmsRule: TypeAlias = Callable[[Array, Array, float], tuple[Array, Array]]
"""``rule(boxes, scores, iou)`` -> indices of the boxes (R, 4) that stay (kept,), and their scores (kept,)."""

NMS_RULES: Registry[NmsRule] = Registry("NMS rule")
"""Every rule of suppression by its name."""


@NMS_RULES.register("greedy")
def greedy_nms(boxes: Array, scores: Array, iou: float) -> tuple[Array, Array]:
    """Keep the best box, drop all that overlap it by more than `iou`, go on with the best of the rest."""
    keep = nms(boxes, scores, iou)
    return keep, array_namespace(scores).take(scores, keep)
