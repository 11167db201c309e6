"""Parameters and modules: what a network is made of, how it is stored, moved, frozen and switched."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from minircnn.arrays import Array, HostArray, array_namespace, like, to_host
from minircnn.kernels.layout import elementwise
from minircnn.nn.checks import require_finite, require_weights

T = TypeVar("T")


class Parameter:
    """A trainable array and the sum of its gradients.

    Parameters
    ----------
    data : array
        The values.
    lr_multiplier, decay_multiplier : float
        Factors on the optimiser's learning rate and weight decay (Caffe's ``lr_mult``, ``decay_mult``).
    trainable : bool
        A frozen parameter (False) gets no gradient and no update.

    Raises
    ------
    ValueError
        If a multiplier is negative or not finite.

    Examples
    --------
    >>> from minircnn.nn import Parameter
    >>> weight = Parameter(np.array([1.0, 2.0]))
    >>> weight.accumulate(np.array([0.5, 0.0]))
    >>> weight.accumulate(np.array([0.5, 1.0]))
    >>> weight.grad
    array([1., 1.])
    """

    def __init__(
        self,
        data: Array,
        *,
        lr_multiplier: float = 1.0,
        decay_multiplier: float = 1.0,
        trainable: bool = True,
    ) -> None:
        require_finite(0, lr_multiplier=lr_multiplier, decay_multiplier=decay_multiplier)
        self.data = data
        self.grad: Array | None = None
        self.lr_multiplier = lr_multiplier
        self.decay_multiplier = decay_multiplier
        self.trainable = trainable

    def accumulate(self, gradient: Array) -> None:
        """Add `gradient` (same shape as the data) to the sum of gradients."""
        self.grad = gradient if self.grad is None else elementwise(operator.add, self.grad, gradient)


class Module:
    """Base of all layers and networks; parameters and sub-modules are attributes, in order of assignment."""

    training: bool = True
    needs_input_grad: bool = True
    """False where nobody uses dLoss/dx (the first trainable layer): ``backward`` may then return None."""

    def kept(self, value: T | None) -> T:
        """Return what ``forward`` kept for ``backward``; raise RuntimeError if it kept nothing."""
        if value is None:
            raise RuntimeError(
                f"{type(self).__name__}: backward without a forward in training mode; "
                "call train() or prepare_training(), then forward, then backward"
            )
        return value

    def children(self) -> Iterator[tuple[str, Module]]:
        """Yield the direct sub-modules with their names."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value

    def modules(self) -> Iterator[Module]:
        """Yield this module and all below it."""
        yield self
        for _, child in self.children():
            yield from child.modules()

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """Yield every parameter with its dotted name, e.g. ``fire2.squeeze1x1.weight``."""
        for name, value in vars(self).items():
            if isinstance(value, Parameter):
                yield prefix + name, value
        for name, child in self.children():
            yield from child.named_parameters(f"{prefix}{name}.")

    def train(self, mode: bool = True) -> None:
        """Switch to training mode: keep what ``backward`` needs, drop units in Dropout."""
        for module in self.modules():
            module.training = mode

    def eval(self) -> None:
        """Switch to evaluation mode: keep nothing, change nothing at random."""
        self.train(False)

    def prepare_training(self, *, input_grad: bool = False) -> None:
        """Enter training mode as far as it is needed; call it again after freezing parameters.

        Without `input_grad` nobody uses dLoss/dx, and what has nothing to learn stays in evaluation mode.
        """
        self.needs_input_grad = input_grad
        self.train(input_grad or self.trainable)

    @property
    def trainable(self) -> bool:
        """Whether any parameter of this module or below is trained."""
        return any(parameter.trainable for _, parameter in self.named_parameters())

    def freeze(self) -> None:
        """Exclude all parameters of this module and below from training."""
        for _, parameter in self.named_parameters():
            parameter.trainable = False

    def zero_grad(self) -> None:
        """Forget all accumulated gradients."""
        for _, parameter in self.named_parameters():
            parameter.grad = None

    def state_dict(self) -> dict[str, HostArray]:
        """Return copies of all parameters' values, as C-ordered NumPy arrays under their dotted names."""
        return {
            name: np.array(to_host(parameter.data), order="C") for name, parameter in self.named_parameters()
        }

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Take over the values in `state`; the parameter's dtype and device stay.

        Raises
        ------
        KeyError
            If a name is missing from `state`, or `state` holds a name this module lacks.
        ValueError
            If a shape differs, or an array is not all finite numbers. Nothing is taken over then.
        """
        parameters = dict(self.named_parameters())
        missing, unknown = sorted(parameters.keys() - state.keys()), sorted(state.keys() - parameters.keys())
        if missing or unknown:
            raise KeyError(f"weights do not fit the network: missing {missing}, unknown {unknown}")
        for name, parameter in parameters.items():
            if tuple(state[name].shape) != tuple(parameter.data.shape):
                raise ValueError(
                    f"weight {name}: the network needs shape {tuple(parameter.data.shape)}, "
                    f"the file holds {tuple(state[name].shape)}"
                )
            require_weights(to_host(state[name]), _dtype(parameter), f"weight {name}")
        for name, parameter in parameters.items():
            # a copy: the optimiser updates parameters in place and must not change the caller's arrays
            values = to_host(state[name]).astype(_dtype(parameter), copy=True)
            parameter.data = like(values, parameter.data)

    def to(self, xp: Any) -> None:
        """Move all parameters to the array library `xp` (NumPy or CuPy), dropping gradients."""
        for _, parameter in self.named_parameters():
            parameter.data = like(to_host(parameter.data), xp.empty(0))
            parameter.grad = None

    def astype(self, dtype: Any) -> None:
        """Convert all parameters to `dtype` (float64 for gradient checks), dropping gradients."""
        for _, parameter in self.named_parameters():
            xp = array_namespace(parameter.data)
            parameter.data = xp.astype(parameter.data, dtype)
            parameter.grad = None

    def __sizeof__(self) -> int:
        """Return the bytes of the parameters: schedulers (Dask) send what is large to each process once."""
        return sum(int(parameter.data.nbytes) for _, parameter in self.named_parameters())


def _dtype(parameter: Parameter) -> Any:
    """Return NumPy's name of the parameter's dtype, wherever it lives."""
    return to_host(parameter.data[:0]).dtype
