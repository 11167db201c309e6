"""What stands behind Faster R-CNN's two small outputs: their loss in training, their proposals in use."""

from __future__ import annotations

import numpy as np

from minircnn.structures import FloatArray, IntArray
from minircnn.textbook.boxes import clip_box, decode
from minircnn.textbook.losses import smooth_l1, softmax, softmax_cross_entropy
from minircnn.textbook.suppression import nms


def rpn_loss(
    objectness: FloatArray,
    offsets: FloatArray,
    labels: IntArray,
    targets: FloatArray,
    lam: float = 1.0,
    sigma: float = 3.0,
) -> tuple[float, FloatArray, FloatArray]:
    """Return L = 1/S Σ L_cls(p, p*) + λ/S Σ p* L_reg(t, t*) and its gradients by objectness and offsets.

    Ren et al. 2017, equation 1, S being the number of anchors that were drawn: objectness (N, 2), offsets t
    (N, 4), labels p* (N,), -1 where an anchor was not drawn, targets t* (N, 4).
    """
    loss, d_objectness, d_offsets = 0.0, np.zeros(objectness.shape), np.zeros(offsets.shape)
    drawn = [n for n, label in enumerate(labels) if label >= 0]
    for n in drawn:
        value, gradient = softmax_cross_entropy(objectness[n : n + 1], labels[n : n + 1])
        loss += value / len(drawn)
        d_objectness[n] = gradient[0] / len(drawn)
        if labels[n] == 1:
            # ½(σx)² near 0, |x| − ½/σ² far from it: the smooth L1 of σ²x, divided by σ²
            value, gradient = smooth_l1(sigma**2 * offsets[n], sigma**2 * targets[n])
            loss += lam * value / sigma**2 / len(drawn)
            d_offsets[n] = lam * gradient / len(drawn)
    return loss, d_objectness, d_offsets


def propose(
    objectness: FloatArray,
    offsets: FloatArray,
    anchors: FloatArray,
    image_size: tuple[int, int],
    *,
    top_before: int,
    nms_iou: float,
    top_after: int,
    min_size: float,
) -> tuple[FloatArray, FloatArray]:
    """Return the proposals (P, 4) and their scores (P,), best first (Ren et al. 2017, section 3.3).

    Every anchor (N, 4) is moved by its offsets (N, 4) and cut to the photo; what is then too small is
    dropped. Of the best the best are kept that do not overlap too much.
    """
    candidates = []
    scores = softmax(objectness)[:, 1]
    for score, anchor, offset in zip(scores.tolist(), anchors.tolist(), offsets.tolist(), strict=True):
        x1, y1, x2, y2 = clip_box(decode(anchor, offset), *image_size)
        if x2 - x1 >= min_size and y2 - y1 >= min_size:
            candidates.append((score, x1, y1, x2, y2))
    candidates.sort(key=lambda candidate: -candidate[0])  # stable: of equal ones the earlier anchor is first
    table = np.array(candidates[:top_before]).reshape(-1, 5)
    kept = nms(table[:, 1:], table[:, 0], nms_iou)[:top_after]
    return table[kept, 1:], table[kept, 0]
