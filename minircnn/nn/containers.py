"""Layers one after the other, and layers side by side."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Self, cast

from minircnn.arrays import Array, array_namespace, is_host
from minircnn.kernels.layout import elementwise, from_channels_last
from minircnn.kernels.outputs import empty_output
from minircnn.kernels.rectify import rectify_in_place
from minircnn.kernels.threads import one_blas_thread
from minircnn.nn.activation import ReLU
from minircnn.nn.checks import require_maps
from minircnn.nn.conv import Conv2d
from minircnn.nn.layer import Layer
from minircnn.profiling import stage


class Container(Layer):
    """Named layers, which are attributes: ``net.conv1``."""

    def __init__(self, **layers: Layer) -> None:
        for name, layer in layers.items():
            setattr(self, name, layer)

    def named_layers(self) -> list[tuple[str, Layer]]:
        """Return the layers with their names, in order."""
        return cast(list[tuple[str, Layer]], list(self.children()))


class Sequential(Container):
    """Named layers, one after the other: ``Sequential(conv1=Conv2d(...), relu1=ReLU(), ...)``.

    Examples
    --------
    >>> from minircnn.nn import ReLU, Scale, Sequential
    >>> net = Sequential(double=Scale(2), relu=ReLU())
    >>> net(np.array([-1.0, 3.0])), net.backward(np.ones(2))
    (array([0., 6.]), array([0., 2.]))
    """

    def forward(self, x: Array) -> Array:
        """Return the last layer's output."""
        with one_blas_thread(x):
            for name, run in self._forwards():
                with stage(name):
                    x = run(x)
        return x

    def backward(self, dy: Array) -> Array:
        """Run the layers' ``backward`` in reverse order, as far as somebody uses dLoss/dx."""
        with one_blas_thread(dy):
            for name, layer in reversed(self.named_layers()):
                if dy is None:
                    break
                with stage(name):
                    dy = layer.backward(dy)
        return dy

    def prepare_training(self, *, input_grad: bool = False) -> None:
        """Enter training mode; what lies before the first trainable layer does no extra work."""
        super().prepare_training(input_grad=input_grad)
        for _, layer in self.children():
            layer.prepare_training(input_grad=input_grad)
            input_grad = input_grad or layer.trainable

    def frozen_part(self) -> Self:
        """Return the layers before the first that is trained: what they make of a photo never changes."""
        return type(self)(**dict(self.named_layers()[: self._first_trained()]))

    def trained_part(self) -> Self:
        """Return the layers from the first that is trained to the last; none if none is."""
        return type(self)(**dict(self.named_layers()[self._first_trained() :]))

    def _first_trained(self) -> int:
        layers = self.named_layers()
        return next((i for i, (_, layer) in enumerate(layers) if layer.trainable), len(layers))

    def _forwards(self) -> Iterator[tuple[str, Callable[[Array], Array]]]:
        """Yield every layer's ``forward``.

        A ReLU is done by what convolves before it, while the values are in cache: a tenth to a quarter of the
        time of a detection. What is left of the ReLU takes the result as its own.
        """
        is_rectified = False
        for (name, layer), (_, following) in pairwise([*self.named_layers(), ("", None)]):
            if is_rectified and isinstance(layer, ReLU):
                is_rectified = False
                yield name, layer.accept
            elif isinstance(layer, Conv2d | Concat) and isinstance(following, ReLU):
                is_rectified = True
                yield name, layer.forward_rectified
            else:
                yield name, cast(Layer, layer).forward


class Concat(Container):
    """Give every layer the same input and join their outputs along the channels, in order.

    ``Concat(expand1x1=Sequential(...), expand3x3=Sequential(...))`` is the second half of SqueezeNet's fire
    module. x (N, C, H, W) -> y (N, ΣC_i, OH, OW).

    Raises
    ------
    ValueError
        Without any layer.

    Examples
    --------
    >>> from minircnn.nn import Concat, Scale
    >>> Concat(once=Scale(1), twice=Scale(2))(np.ones((1, 1, 1, 2)))[:, :, 0, 0]
    array([[1., 2.]])
    """

    def __init__(self, **layers: Layer) -> None:
        if not layers:
            raise ValueError("Concat needs at least one layer")
        super().__init__(**layers)
        self._channels: list[int] | None = None

    def prepare_training(self, *, input_grad: bool = False) -> None:
        """As :meth:`Module.prepare_training`, for each layer by itself."""
        super().prepare_training(input_grad=input_grad)
        for _, layer in self.children():
            layer.prepare_training(input_grad=input_grad)

    def forward(self, x: Array) -> Array:
        """Return the joined outputs."""
        return self._joined(x, rectify=False)

    def forward_rectified(self, x: Array) -> Array:
        """Return max(y, 0): the work of a ReLU behind, made while y is in cache."""
        return self._joined(x, rectify=True)

    def _joined(self, x: Array, *, rectify: bool) -> Array:
        layers = [layer for _, layer in self.named_layers()]
        if is_host(x) and (side_by_side := _convolutions_of_one_form(layers, x)):
            return self._convolved(x, side_by_side, rectify=rectify)
        xp = array_namespace(x)
        convolve_only = all(isinstance(layer, Conv2d) for layer in layers)
        if rectify and convolve_only:
            outputs = [cast(Conv2d, layer).forward_rectified(x) for layer in layers]
        else:
            outputs = [layer.forward(x) for layer in layers]
        self._channels = [y.shape[1] for y in outputs]
        last = [xp.permute_dims(y, (0, 2, 3, 1)) for y in outputs]  # joined where channels are contiguous
        joined = xp.concat(last, axis=-1)  # (N, H, W, ΣC)
        if rectify and not convolve_only:
            rectify_in_place(joined)
        return from_channels_last(joined)

    def _convolved(self, x: Array, layers: list[Conv2d], *, rectify: bool) -> Array:
        """Return what `layers` make of `x`: each writes its channels where they belong."""
        self._channels = [layer.weight.data.shape[0] for layer in layers]
        shape, dtype = layers[0].output_form(x)
        y = empty_output((*shape, sum(self._channels)), dtype, x)
        end = 0
        for layer, channels in zip(layers, self._channels, strict=True):
            start, end = end, end + channels
            layer.forward_into(y[..., start:end], x, rectify=rectify)
        return from_channels_last(y)

    def backward(self, dy: Array) -> Array:
        """Return the sum of the layers' dLoss/dx, or None where it is not needed."""
        total, start = None, 0
        for (_, layer), channels in zip(self.named_layers(), self.kept(self._channels), strict=True):
            part = dy[:, start : start + channels, :, :]
            start += channels
            if not self.needs_input_grad and not layer.trainable:
                continue
            dx = layer.backward(part)
            if self.needs_input_grad:
                total = dx if total is None else elementwise(operator.add, total, dx)
        return total


def _convolutions_of_one_form(layers: list[Layer], x: Array) -> list[Conv2d]:
    """Return the layers if all are convolutions whose maps of `x` have one size and dtype, else none."""
    found = [layer for layer in layers if isinstance(layer, Conv2d)]
    if len(found) < len(layers):
        return []
    for layer in found:
        require_maps(x, layer.in_channels)
    forms = {layer.output_form(x) for layer in found}
    return found if len(forms) == 1 else []
