"""Where a pass of hard negative mining stands, so that it can be kept and gone on with."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minircnn.arrays import HostArray
from minircnn.structures import FloatArray, IntArray


@dataclass(frozen=True)
class MiningRound:
    """One training of some classes during the pass.

    Parameters
    ----------
    photo : int
        Photos visited so far.
    classes : (k,) int array
        SVM columns (0..K-1) trained in this round.
    objective : (k,) float array
        Their primal objective on their positives and cached negatives.
    num_negatives, num_evicted : (k,) int array
        Negatives trained on, and how many of them were dropped afterwards.
    epochs : int
        Passes of the solver. Where they were not enough, a warning is logged.
    """

    photo: int
    classes: IntArray
    objective: FloatArray
    num_negatives: IntArray
    num_evicted: IntArray
    epochs: int


@dataclass(frozen=True)
class MiningState:
    """All that a pass needs to go on bit for bit, but for the features, of which it tells where they lie.

    Parameters
    ----------
    photo : int
        Photos visited so far.
    row : int
        Proposals in them.
    source : (n,) int array
        Of every row of the pool: row r of the visited photos' features, joined, as r; row p of the positives,
        joined, as −1 − p.
    labels, beta : (n, K) arrays
        See :class:`~minircnn.heads.negative_cache.ExamplePool`.
    room : int
        Rows the pool has memory for.
    weights : (D, K) float32 array
    intercepts : (K,) float32 array
    added : (K,) int array
        New negatives of each class since it was trained.
    trace : tuple of MiningRound
    rng : dict
        State of the random generator.
    """

    photo: int
    row: int
    source: IntArray
    labels: IntArray
    beta: FloatArray
    room: int
    weights: FloatArray
    intercepts: FloatArray
    added: IntArray
    trace: tuple[MiningRound, ...]
    rng: dict[str, Any]

    def parts(self) -> tuple[dict[str, HostArray], dict[str, Any]]:
        """Return the arrays by name, and the rest ready for JSON."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        arrays = {name: value for name, value in fields.items() if isinstance(value, np.ndarray)}
        rest = {name: value for name, value in fields.items() if name not in arrays}
        return arrays, {**rest, "trace": trace_record(self.trace)}

    @classmethod
    def from_parts(cls, arrays: Mapping[str, HostArray], rest: Mapping[str, Any]) -> MiningState:
        """Return the state of which `parts` returned these."""
        fields: dict[str, Any] = {**arrays, **rest, "trace": trace_of(rest["trace"])}
        return cls(**fields)


def trace_record(trace: tuple[MiningRound, ...]) -> list[dict[str, Any]]:
    """Return the rounds ready for JSON."""
    return [
        {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in dataclasses.asdict(r).items()}
        for r in trace
    ]


def trace_of(record: list[dict[str, Any]]) -> tuple[MiningRound, ...]:
    """Return the rounds of which `trace_record` made `record`."""

    def field(value: Any) -> Any:
        return np.array(value) if isinstance(value, list) else value

    return tuple(MiningRound(**{name: field(value) for name, value in one.items()}) for one in record)
