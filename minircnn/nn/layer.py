"""Parameters, layers and chains of layers: the whole machinery of manual backpropagation.

A layer's ``forward`` keeps what its ``backward`` needs (in training mode; in evaluation mode it keeps
nothing). ``backward`` takes the gradient of the loss with respect to the layer's output, *adds* the
gradients of its parameters to ``Parameter.grad`` and returns the gradient with respect to its input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

import numpy as np

from minircnn.arrays import Array, HostArray, array_namespace, like, to_host
from minircnn.profiling import stage


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
    """

    def __init__(
        self,
        data: Array,
        *,
        lr_multiplier: float = 1.0,
        decay_multiplier: float = 1.0,
        trainable: bool = True,
    ) -> None:
        self.data = data
        self.grad: Array | None = None
        self.lr_multiplier = lr_multiplier
        self.decay_multiplier = decay_multiplier
        self.trainable = trainable

    def accumulate(self, gradient: Array) -> None:
        """Add `gradient` (same shape as the data) to the sum of gradients."""
        self.grad = gradient if self.grad is None else self.grad + gradient


class Layer:
    """Base of all layers; parameters and sub-layers are its attributes, in order of assignment."""

    training: bool = True
    rectifies: bool = False
    """Whether ``forward(x, rectify=True)`` returns max(y, 0): made at once, while y is in cache."""
    is_rectifier: bool = False
    """Whether this layer is max(x, 0) and has ``accept(y)``, which takes a result that is made already."""
    needs_input_grad: bool = True
    """False where nobody uses dLoss/dx (the first trainable layer): ``backward`` may then return None."""

    def forward(self, x: Array) -> Array:
        """Return the layer's output for `x`."""
        raise NotImplementedError

    def backward(self, dy: Array) -> Array:
        """Accumulate the parameters' gradients and return dLoss/dx, given `dy` = dLoss/dy."""
        raise NotImplementedError

    def __call__(self, x: Array) -> Array:
        """Return ``forward(x)``."""
        return self.forward(x)

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Yield the direct sub-layers with their names."""
        for name, value in vars(self).items():
            if isinstance(value, Layer):
                yield name, value

    def layers(self) -> Iterator[Layer]:
        """Yield this layer and all layers below it."""
        yield self
        for _, child in self.children():
            yield from child.layers()

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """Yield every parameter with its dotted name, e.g. ``fire2.squeeze1x1.weight``."""
        for name, value in vars(self).items():
            if isinstance(value, Parameter):
                yield prefix + name, value
        for name, child in self.children():
            yield from child.named_parameters(f"{prefix}{name}.")

    def train(self, mode: bool = True) -> None:
        """Switch to training mode: keep what ``backward`` needs, drop units in Dropout."""
        for layer in self.layers():
            layer.training = mode

    def eval(self) -> None:
        """Switch to evaluation mode: keep nothing, change nothing at random."""
        self.train(False)

    @property
    def trainable(self) -> bool:
        """Whether any parameter of this layer or below is trained."""
        return any(parameter.trainable for _, parameter in self.named_parameters())

    def freeze(self) -> None:
        """Exclude all parameters of this layer and below from training."""
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
            If a name is missing from `state`, or `state` holds a name this layer lacks.
        ValueError
            If a shape differs.
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
        for name, parameter in parameters.items():
            # a copy: the optimiser updates parameters in place and must not change the caller's arrays
            values = to_host(state[name]).astype(to_host(parameter.data[:0]).dtype, copy=True)
            parameter.data = like(values, parameter.data)

    def to(self, xp: Any) -> None:
        """Move all parameters to the array library `xp` (NumPy or CuPy), dropping gradients."""
        for _, parameter in self.named_parameters():
            parameter.data = xp.asarray(to_host(parameter.data))
            parameter.grad = None

    def astype(self, dtype: Any) -> None:
        """Convert all parameters to `dtype` (float64 for gradient checks), dropping gradients."""
        for _, parameter in self.named_parameters():
            xp = array_namespace(parameter.data)
            parameter.data = xp.astype(parameter.data, dtype)
            parameter.grad = None


class Sequential(Layer):
    """Named layers, one after the other.

    ``Sequential(conv1=Conv2d(...), relu1=ReLU(), ...)``; layers are attributes: ``net.conv1``.

    ``backward`` stops where a layer returns None, see :meth:`stop_input_gradient`.
    """

    def __init__(self, **layers: Layer) -> None:
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x: Array) -> Array:
        """Return the last layer's output.

        A layer that can do the work of the ReLU behind it does so.
        """
        children = list(self.children())
        followers = [layer for _, layer in children[1:]]
        is_rectified = False
        for (name, layer), following in zip_longest(children, followers):
            with stage(name):
                if is_rectified:
                    x, is_rectified = layer.accept(x), False  # type: ignore[union-attr]
                elif layer.rectifies and following is not None and following.is_rectifier:
                    x, is_rectified = layer.forward(x, rectify=True), True  # type: ignore[call-arg]
                else:
                    x = layer.forward(x)
        return x

    def backward(self, dy: Array) -> Array:
        """Run the layers' ``backward`` in reverse order."""
        for name, layer in reversed(list(self.children())):
            if dy is None:
                break
            with stage(name):
                dy = layer.backward(dy)
        return dy

    def stop_input_gradient(self) -> None:
        """Declare that nobody uses dLoss/dx: what lies before the first trainable layer does no extra work.

        Those layers are put into evaluation mode, where ``forward`` keeps nothing. Call it after
        :meth:`Layer.train`, and again after freezing or unfreezing parameters.
        """
        trainable_below = False
        for _, layer in self.children():
            trainable = layer.trainable
            for inner in layer.layers():
                inner.needs_input_grad = True  # undoes an earlier call
            layer.needs_input_grad = trainable_below
            layer.train(trainable_below or trainable)
            if isinstance(layer, Sequential) and not trainable_below:
                layer.stop_input_gradient()
            trainable_below = trainable_below or trainable
        self.needs_input_grad = False
