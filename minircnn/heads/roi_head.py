"""Fast R-CNN's two sibling output layers, and the truncated SVD that makes wide layers cheap at test time."""

from __future__ import annotations

import numpy as np

from minircnn.arrays import Array, like, to_host
from minircnn.checks import checked, whole
from minircnn.nn import Linear, Module, Parameter, Sequential
from minircnn.nn.checks import require_whole
from minircnn.profiling import stage


class SiblingHeads(Module):
    """The class scores and the box offsets, computed side by side from the same features.

    ``cls_score`` (R, K+1) and ``bbox_pred`` (R, 4(K+1)); block ``4·label … 4·label + 3`` of the latter
    holds the offsets for class `label`, block 0 (background) is never used. With `class_agnostic` there is
    one block for all classes, (R, 4): few photos then teach it K times as much. Initialised from Gaussians
    of standard deviation 0.01 and 0.001 with biases zero; biases learn twice as fast and are not decayed
    (Fast R-CNN, section 2.3; the released prototxts). The deviations are meant for 4096 features; fewer
    features take larger ones in proportion to the root, so that the outputs start equally large. (With
    0.01 on 128 features next to no gradient would reach the layers below for hundreds of steps.)

    Examples
    --------
    >>> from minircnn.heads import SiblingHeads
    >>> scores, offsets = SiblingHeads(feature_dim=8, num_classes=3)(np.zeros((5, 8), np.float32))
    >>> scores.shape, offsets.shape
    ((5, 4), (5, 16))
    """

    def __init__(
        self,
        feature_dim: int,
        num_classes: int,
        *,
        class_agnostic: bool = False,
        rng: np.random.Generator | None = None,
    ) -> None:
        require_whole(1, feature_dim=feature_dim, num_classes=num_classes)
        factor = (4096 / feature_dim) ** 0.5
        blocks = 1 if class_agnostic else num_classes + 1
        self.cls_score = Linear(feature_dim, num_classes + 1, rng=rng, std=0.01 * factor)
        self.bbox_pred = Linear(feature_dim, 4 * blocks, rng=rng, std=0.001 * factor)
        for layer in (self.cls_score, self.bbox_pred):
            layer.bias.lr_multiplier = 2.0
            layer.bias.decay_multiplier = 0.0

    @stage("outputs")
    def forward(self, x: Array) -> tuple[Array, Array]:
        """Return ``cls_score`` (R, K+1) and ``bbox_pred`` (R, 4(K+1) or 4) of features `x` (R, D)."""
        return self.cls_score(x), self.bbox_pred(x)

    def __call__(self, x: Array) -> tuple[Array, Array]:
        """Return ``forward(x)``."""
        return self.forward(x)


def truncated_svd(layer: Linear, rank: int) -> Sequential:
    """Split a fully connected layer into two thin ones (Fast R-CNN, section 3.1).

    The weight (K, D) is approximated by its `rank` largest singular values, W ≈ U Σ Vᵀ. The first layer
    holds Σ Vᵀ (rank, D) without bias, the second U (K, rank) with the original bias: rank·(K + D)
    multiplications instead of K·D.

    Raises
    ------
    ValueError
        If `rank` is not in 1..min(K, D).

    Examples
    --------
    >>> from minircnn.heads import truncated_svd
    >>> from minircnn.nn import Linear
    >>> layer = Linear(2, 3)
    >>> layer.weight.data = np.outer([1.0, 2.0, 3.0], [1.0, -1.0])  # of rank 1: nothing is lost
    >>> truncated_svd(layer, 1)(np.array([[5.0, 4.0]]))
    array([[1., 2., 3.]])
    """
    weight = to_host(layer.weight.data)  # (K, D)
    checked(f"the rank of a weight {weight.shape}", rank, whole(1, min(weight.shape)))
    u, singular, vt = np.linalg.svd(weight, full_matrices=False)
    first = Linear(weight.shape[1], rank)
    second = Linear(rank, weight.shape[0])
    first.weight = Parameter(
        like((singular[:rank, None] * vt[:rank]).astype(weight.dtype), layer.weight.data)
    )
    first.bias = Parameter(layer.bias.data[:rank] * 0)
    second.weight = Parameter(like(np.ascontiguousarray(u[:, :rank]), layer.weight.data))
    second.bias = Parameter(layer.bias.data)
    split = Sequential(vt=first, u=second)
    split.eval()
    return split


def compress(head: Sequential, ranks: dict[str, int]) -> None:
    """Replace the named fully connected layers of `head` by their truncated SVD, in place.

    Raises
    ------
    KeyError
        If `head` has no fully connected layer of that name.
    """
    for name, rank in ranks.items():
        layer = getattr(head, name, None)
        if not isinstance(layer, Linear):
            available = [n for n, child in head.children() if isinstance(child, Linear)]
            raise KeyError(f"no fully connected layer {name!r} to compress; there are {available}")
        setattr(head, name, truncated_svd(layer, rank))
