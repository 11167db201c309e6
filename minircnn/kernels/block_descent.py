"""The state of K dual descents and its one move: to visit a block of examples, all classes at once.

A coordinate step needs one row of inner products. Those of a block are computed once, before the first pass;
a visit then is

1. one matrix product for the block's scores under the present weights,
2. a loop over its examples that sees (B, B) and (B, K) numbers only, never a feature,
3. one matrix product that adds what has moved to the weights.

Blocks fixed in advance would be slow by themselves. All features share a large common part (their mean and
the bias feature), so every block wants its own share of the total Σβ, and visits pass that share on slowly.
So there are two partitions, visited in turns: every m-th example, and runs of neighbours. Each block of one
holds some examples of every block of the other, and what one leaves uneven the other evens out: a few times
fewer passes. For the same reason the order within a block is drawn anew each time. Blocks of both kinds are
slices: no feature is copied.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minircnn.arrays import HostArray
from minircnn.kernels.products import matmul
from minircnn.kernels.split import split
from minircnn.kernels.threads import parallel_for
from minircnn.structures import BoolArray, FloatArray, IntArray

BLOCK = 256
"""Examples per block, about: inner products that stay in cache, matrix products that are worth two cores."""

STRIP = 32
"""Steps of a block after which the effect of what they moved on the rest is brought in by one product."""

CHUNK = 8192
"""Rows converted to the working dtype at a time, where all features are passed over."""

SMALLEST = 1e-30
"""Least squared norm divided by: an example without features (nor bias) goes to its bound at once."""


@dataclass(frozen=True)
class Block:
    """A slice of the examples and what a visit needs to know about it.

    Parameters
    ----------
    rows : slice
    step : (B, 1) float array
        1 / xᵢᵀxᵢ.
    gram : (B, B) float array
        Row i holds the inner products xᵢᵀxⱼ times the step of i.
    """

    rows: slice
    step: HostArray
    gram: HostArray


def partitions(num_examples: int) -> list[list[slice]]:
    """Cut ``range(num_examples)`` into blocks twice: into every m-th example, and into runs."""
    count = max(1, num_examples // BLOCK)
    runs = split(num_examples, parts=count)
    return [[slice(i, None, count) for i in range(count)], runs] if count > 1 else [runs]


class Descent:
    """Signed duals β of K problems over shared features, and the weights w = Σᵢ βᵢxᵢ that belong to them.

    Parameters
    ----------
    features : (n, D) float array
    y : (n, K) float array
        +1, -1, or 0 outside a class's problem; its dtype is worked in.
    cost : (n, K) float array
        Cᵢ; 0 outside a class's problem.
    bias : float
        Square of the bias feature.
    beta : (n, K) float array or None
        Where to start.
    """

    def __init__(
        self, features: HostArray, y: HostArray, cost: HostArray, bias: float, beta: FloatArray | None
    ) -> None:
        self.features, self.y, self.cost, self.bias = features, y, cost, bias
        self.low, self.high = np.minimum(y * cost, 0), np.maximum(y * cost, 0)
        self.beta = np.zeros_like(y) if beta is None else np.clip(beta.astype(y.dtype), self.low, self.high)
        self.weights, self.intercepts = self._weights()
        self.scores = np.zeros_like(y)  # (n, K), of each example when it was last looked at
        if self.weights.any():
            self.score_all()

    def _rows(self, rows: slice | IntArray) -> HostArray:
        return np.asarray(self.features[rows], self.y.dtype)

    def _weights(self) -> tuple[HostArray, HostArray]:
        """Return w (K, D) and the intercepts (K,); only rows that any class uses are read."""
        weights = np.zeros((self.y.shape[1], self.features.shape[1]), self.y.dtype)
        used = np.flatnonzero(self.beta.any(axis=1))
        for part in split(len(used), size=CHUNK):
            rows = used[part]
            weights += self.beta[rows].T @ self._rows(rows)
        return weights, (self.bias * self.beta.sum(axis=0, dtype=np.float64)).astype(self.y.dtype)

    def blocks(self) -> list[list[Block]]:
        """Return both partitions with their inner products: 2·n·B numbers."""
        slices = partitions(len(self.features))
        parts: list[list[Block]] = [[None] * len(part) for part in slices]  # type: ignore[list-item]

        def make(place: tuple[int, int]) -> None:
            part, i = place
            parts[part][i] = self._block(slices[part][i])

        places = [(part, i) for part in range(len(slices)) for i in range(len(slices[part]))]
        parallel_for(make, places, like=self.features)
        return parts

    def _block(self, rows: slice) -> Block:
        features = self._rows(rows)
        gram = features @ features.T
        gram += self.bias
        step = 1 / np.maximum(np.diagonal(gram), SMALLEST)[:, None]
        gram *= step
        return Block(rows, step, gram)

    def score_all(self) -> None:
        """Bring the scores of all examples up to date with the weights."""
        for rows in split(len(self.features), size=CHUNK):
            np.add(matmul(self._rows(rows), self.weights.T), self.intercepts, out=self.scores[rows])

    def visit(self, block: Block, open_classes: BoolArray, rng: np.random.Generator) -> bool:
        """Take a step for each example of a block that can move; tell whether there was any."""
        rows = block.rows
        features = self._rows(rows)
        scores = matmul(features, self.weights.T)
        scores += self.intercepts
        self.scores[rows] = scores
        beta = self.beta[rows]  # (B, K), a view
        push = (self.y[rows] - scores) * block.step
        down = (self.low[rows] - beta) * open_classes
        up = (self.high[rows] - beta) * open_classes
        movable = ((push > 0) & (up > 0)) | ((push < 0) & (down < 0))
        order = rng.permutation(np.flatnonzero(movable.any(axis=1)))
        if not len(order):
            return False
        change = beta + descend(block.gram, push, down, up, order)
        np.clip(change, self.low[rows], self.high[rows], out=change)
        change -= beta
        beta += change
        # few rows times many: BLAS takes half the time of the transposed product, (D, B) by (B, K)
        if 2 * len(order) < len(beta):
            self.weights += matmul(change[order].T, features[order])
        else:
            self.weights += matmul(change.T, features)
        self.intercepts += self.bias * change.sum(axis=0)
        return True

    def certificate(self) -> tuple[FloatArray, FloatArray]:
        """Return primal objective and duality gap of every class (K,), in float64.

        Exact right after :meth:`score_all`; else the hinge losses are those of each example's last visit.
        """
        norm = np.einsum("kd,kd->k", self.weights, self.weights, dtype=np.float64)
        if self.bias:
            norm += self.intercepts.astype(np.float64) ** 2 / self.bias
        hinge = np.maximum(1 - self.y * self.scores, 0)
        loss = np.einsum("nk,nk->k", self.cost, hinge, dtype=np.float64)
        total = np.abs(self.beta).sum(axis=0, dtype=np.float64)  # Σα
        return norm / 2 + loss, norm + loss - total


def descend(gram: HostArray, push: HostArray, down: HostArray, up: HostArray, order: IntArray) -> HostArray:
    """Take one coordinate step per example of a block, in `order`; return how far each variable moved (B, K).

    `gram` (B, B) holds inner products, row i scaled by its step; `push` (B, K) is how far the first step of
    each variable would go if it were the only one, `down` and `up` (B, K) how far it may.
    """
    moved = np.zeros_like(push)
    effect = np.empty_like(push[0])
    for part in split(len(order), size=STRIP):
        strip = order[part]
        rows = gram[strip]  # (S, B)
        left = push[strip] - rows @ moved
        steps = np.zeros_like(left)
        for inner, far, least, most, step in zip(
            rows[:, strip], left, down[strip], up[strip], steps, strict=True
        ):
            np.dot(inner, steps, out=effect)  # what the strip's earlier steps changed
            np.subtract(far, effect, out=effect)
            np.maximum(effect, least, out=effect)
            np.minimum(effect, most, out=step)
        moved[strip] = steps
    return moved
