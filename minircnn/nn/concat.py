"""Layers side by side."""

from __future__ import annotations

from minircnn.arrays import Array, array_namespace
from minircnn.nn.layer import Layer, Sequential


class Concat(Layer):
    """Give every layer the same input and join their outputs along the channels, in order.

    ``Concat(expand1x1=Sequential(...), expand3x3=Sequential(...))`` is the second half of SqueezeNet's fire
    module. x (N, C, H, W) -> y (N, ΣC_i, OH, OW).

    Raises
    ------
    ValueError
        Without any layer.
    """

    def __init__(self, **layers: Layer) -> None:
        if not layers:
            raise ValueError("Concat needs at least one layer")
        self._needs_input_grad = True
        self._channels: list[int] = []
        for name, layer in layers.items():
            setattr(self, name, layer)

    @property
    def needs_input_grad(self) -> bool:
        """Whether somebody uses dLoss/dx; setting it sets the layers below."""
        return self._needs_input_grad

    @needs_input_grad.setter
    def needs_input_grad(self, value: bool) -> None:
        self._needs_input_grad = value
        for _, child in self.children():
            if value:
                for layer in child.layers():
                    layer.needs_input_grad = True
            elif isinstance(child, Sequential):
                child.stop_input_gradient()
            else:
                child.needs_input_grad = False

    def forward(self, x: Array) -> Array:
        """Return the joined outputs."""
        xp = array_namespace(x)
        outputs = [layer.forward(x) for _, layer in self.children()]
        self._channels = [y.shape[1] for y in outputs]
        last = [xp.permute_dims(y, (0, 2, 3, 1)) for y in outputs]  # joined where channels are contiguous
        return xp.permute_dims(xp.concat(last, axis=-1), (0, 3, 1, 2))

    def backward(self, dy: Array) -> Array:
        """Return the sum of the layers' dLoss/dx, or None where it is not needed."""
        total, start = None, 0
        for (_, layer), channels in zip(self.children(), self._channels, strict=True):
            part = dy[:, start : start + channels, :, :]
            start += channels
            if not self.needs_input_grad and not any(p.trainable for _, p in layer.named_parameters()):
                continue
            dx = layer.backward(part)
            if self.needs_input_grad:
                total = dx if total is None else total + dx
        return total
