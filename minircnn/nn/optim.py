"""Stochastic gradient descent, gradient clipping and learning-rate schedules."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minircnn.arrays import Array, HostArray, array_namespace, is_host, like, on_gpu, read_numbers, to_host
from minircnn.checks import checked, each, whole
from minircnn.kernels.gpu_kernel import GPUKernel, has_kernels
from minircnn.kernels.layout import elementwise, flat_views
from minircnn.kernels.scratch import workspace
from minircnn.kernels.split import split_for_cache
from minircnn.kernels.threads import parallel_for
from minircnn.nn.checks import require_finite, require_positive, require_weights, require_whole
from minircnn.nn.module import Parameter

PIECE_VALUES = 2**16
"""Weights updated at a time on the host."""


class SGD:
    """Stochastic gradient descent with momentum and weight decay, in Caffe's form.

    v ← momentum · v + lr · (gradient + weight_decay · w);  w ← w − v. The learning rate is inside the
    velocity, so a drop of the rate acts on new gradients only (PyTorch's, outside, rescales the old ones
    too; both agree while the rate is constant). Each parameter's `lr_multiplier` and `decay_multiplier`
    scale its rate and decay.

    Parameters
    ----------
    named_parameters : iterable of (str, Parameter)
        As ``net.named_parameters()`` yields them. Parameters that are not trainable, or were reached by no
        gradient, are left as they are.
    lr : float
        Learning rate, at least 0; may be set anew before any step.
    momentum : float
        At least 0, below 1.
    weight_decay : float
        At least 0.

    Raises
    ------
    ValueError
        If a number is outside its range or not finite.

    Examples
    --------
    >>> from minircnn.nn import SGD, Parameter
    >>> w = Parameter(np.array([1.0]))
    >>> w.accumulate(np.array([2.0]))
    >>> solver = SGD([("w", w)], lr=0.25, momentum=0.5, weight_decay=0)
    >>> solver.step()  # a velocity of 0.25 · 2
    >>> solver.step()  # 0.5 · 0.5 + 0.25 · 2
    >>> w.data  # 1 − 0.5 − 0.75
    array([-0.25])
    """

    def __init__(
        self,
        named_parameters: Iterable[tuple[str, Parameter]],
        *,
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
    ) -> None:
        require_finite(0, lr=lr, momentum=momentum, weight_decay=weight_decay)
        if momentum >= 1:
            raise ValueError(f"momentum must be below 1, got {momentum}: old gradients would never fade")
        self.parameters = dict(named_parameters)
        self.lr = lr
        self.momentum = momentum
        self.weight_decay = weight_decay
        self._velocity: dict[str, Array] = {}

    def step(self) -> None:
        """Update every trainable parameter in place from its sum of gradients.

        A rate that is negative or not finite raises ValueError before anything is changed.
        """
        require_finite(0, lr=self.lr)
        for name, parameter in self.parameters.items():
            if not parameter.trainable or parameter.grad is None:
                continue
            velocity = self._velocity.get(name)
            if velocity is None:
                velocity = self._velocity[name] = array_namespace(parameter.data).zeros_like(parameter.data)
            lr = self.lr * parameter.lr_multiplier
            decay = self.weight_decay * parameter.decay_multiplier
            _update(parameter.data, parameter.grad, velocity, lr, decay, self.momentum)

    def zero_grad(self) -> None:
        """Forget all accumulated gradients."""
        for parameter in self.parameters.values():
            parameter.grad = None

    def state_dict(self) -> dict[str, HostArray]:
        """Return copies of the velocities by parameter name (those that have one yet), contiguous.

        Steps change velocities in place, and file formats write an array's memory as it lies.
        """
        return {name: np.array(to_host(velocity), order="C") for name, velocity in self._velocity.items()}

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Take over velocities; parameters not named in `state` start from rest.

        Raises
        ------
        KeyError
            If `state` names a parameter the optimiser lacks.
        ValueError
            If a shape differs from the parameter's, or a velocity is not all finite numbers.
        """
        unknown = sorted(state.keys() - self.parameters.keys())
        if unknown:
            raise KeyError(f"momentum of unknown parameters: {unknown}")
        velocity: dict[str, Array] = {}
        for name, values in state.items():
            data = self.parameters[name].data
            if tuple(values.shape) != tuple(data.shape):
                raise ValueError(f"momentum {name}: expected {tuple(data.shape)}, got {tuple(values.shape)}")
            require_weights(to_host(values), to_host(data[:0]).dtype, f"momentum {name}")
            velocity[name] = like(to_host(values).copy(), data, dtype=data.dtype)
        self._velocity = velocity


def _update(data: Array, gradient: Array, velocity: Array, lr: float, decay: float, momentum: float) -> None:
    """Make one step of one parameter in place."""
    array_namespace(data, gradient, velocity)  # refuses a mixture of libraries
    flat = flat_views(data, gradient, velocity) if is_host(data) or on_gpu(data) else None
    if flat and has_kernels(data) and data.dtype == gradient.dtype == velocity.dtype:
        w, g, v = flat
        _UPDATE(g, lr, decay, momentum, w, v)
        return

    def run(piece: Any) -> None:
        w, g, v = (array[piece] for array in flat or (data, gradient, velocity))
        if is_host(w):
            update = workspace("update", w.shape, w.dtype, w)
            np.multiply(w, decay, out=update)
        else:
            update = w * decay
        update += g
        update *= lr
        v *= momentum
        v += update
        w -= v

    if flat is None or data.size <= PIECE_VALUES:
        run(...)
    else:  # piece by piece, so that the passes over a piece stay in cache
        parallel_for(run, split_for_cache(data.size, PIECE_VALUES, data), like=data)


_UPDATE = GPUKernel(
    "update",
    "T g, T lr, T decay, T momentum",
    "T w, T v",
    "v = momentum * v + lr * (g + decay * w); w -= v;",
)


def clip_gradients(named_parameters: Iterable[tuple[str, Parameter]], max_norm: float) -> float:
    """Scale all gradients so that their joint Euclidean norm is at most `max_norm`; return the norm before.

    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2013),
    section 3.2.

    Raises
    ------
    ValueError
        If `max_norm` is not above 0, or a gradient is not finite: it has no direction to keep.

    Examples
    --------
    >>> from minircnn.nn import Parameter, clip_gradients
    >>> w = Parameter(np.zeros(2))
    >>> w.accumulate(np.array([3.0, 4.0]))
    >>> clip_gradients([("w", w)], max_norm=1), w.grad
    (5.0, array([0.6, 0.8]))
    """
    if max_norm != math.inf:
        require_positive(max_norm=max_norm)
    reached = {name: p for name, p in named_parameters if p.trainable and p.grad is not None}
    norm = _joint_norm(p.grad for p in reached.values())
    if math.isfinite(norm):
        if norm > max_norm:
            _scale(reached.values(), max_norm / norm)
        return norm
    # Their squares are beyond the gradients' precision. So may be a factor that brings them down at once.
    unit = max(_largest(p.grad, name) for name, p in reached.items())
    for parameter in reached.values():
        parameter.grad = elementwise(lambda gradient: gradient / unit, parameter.grad)
    norm = _joint_norm(p.grad for p in reached.values())
    _scale(reached.values(), min(max_norm, unit * norm) / norm)
    return unit * norm


def _joint_norm(gradients: Iterable[Array]) -> float:
    """Return the Euclidean norm of all numbers in `gradients`; inf if their squares overflow.

    A GPU is waited for once, not once for each of them.
    """
    squares = []
    for gradient in gradients:
        xp = array_namespace(gradient)
        if xp.finfo(gradient.dtype).bits < 32:
            gradient = xp.astype(gradient, xp.float32)
        with np.errstate(over="ignore"):
            squares.append(xp.sum(elementwise(operator.mul, gradient, gradient), dtype=xp.float64))
    total = 0.0
    for square in read_numbers(*squares):  # in this order; Python's `sum` rounds by rules of its own
        total += square
    return math.sqrt(total)


def _scale(parameters: Iterable[Parameter], factor: float) -> None:
    for parameter in parameters:
        parameter.grad = elementwise(lambda gradient: gradient * factor, parameter.grad)


def _largest(gradient: Array, name: str) -> float:
    """Return the largest size of a number in `gradient`."""
    xp = array_namespace(gradient)
    largest = float(xp.max(xp.abs(gradient)))
    if not math.isfinite(largest):
        raise ValueError(f"the gradient of {name} is not finite: lower the learning rate or check the data")
    return largest


@dataclass(frozen=True)
class StepSchedule:
    """Learning rate `lr` · `gamma` ^ ⌊iteration / `step`⌋ (Caffe's ``step`` policy).

    A rate below 0, a `gamma` not above 0 or a `step` below 1 raises ValueError.

    Examples
    --------
    >>> from minircnn.nn import StepSchedule
    >>> rate = StepSchedule(lr=0.5, gamma=0.5, step=100)
    >>> rate(99), rate(100), rate(200)
    (0.5, 0.25, 0.125)
    """

    lr: float
    gamma: float
    step: int

    def __post_init__(self) -> None:
        require_finite(0, lr=self.lr)
        require_positive(gamma=self.gamma)
        require_whole(1, step=self.step)

    def __call__(self, iteration: int) -> float:
        """Return the rate for `iteration`, counted from 0."""
        return float(self.lr * self.gamma ** (iteration // self.step))


@dataclass(frozen=True)
class MultiStepSchedule:
    """Learning rate `lr`, multiplied by `gamma` at each of the iterations `milestones`.

    A rate or a milestone below 0, or a `gamma` not above 0, raises ValueError.

    Examples
    --------
    >>> from minircnn.nn import MultiStepSchedule
    >>> rate = MultiStepSchedule(lr=0.5, gamma=0.5, milestones=(100, 150))
    >>> rate(99), rate(100), rate(200)
    (0.5, 0.25, 0.125)
    """

    lr: float
    gamma: float
    milestones: tuple[int, ...]

    def __post_init__(self) -> None:
        require_finite(0, lr=self.lr)
        require_positive(gamma=self.gamma)
        checked("milestones", self.milestones, each(whole(0)))

    def __call__(self, iteration: int) -> float:
        """Return the rate for `iteration`, counted from 0."""
        return float(self.lr * self.gamma ** sum(iteration >= m for m in self.milestones))
