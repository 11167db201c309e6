"""Which array of a file belongs where in a backbone: names and shapes, checked before anything changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from minircnn.arrays import HostArray, to_host
from minircnn.backbones.base import BACKBONES, Backbone
from minircnn.backbones.origins import origins_of
from minircnn.nn import Linear
from minircnn.nn.checks import require_weights
from minircnn.nn.module import Parameter
from minircnn.weights import WeightsError, WeightsFile

Named: TypeAlias = dict[str, tuple[str, HostArray]]
"""Arrays by the name here, each with its name in the file."""


@dataclass(frozen=True)
class Placement:
    """What of a file goes where.

    Parameters
    ----------
    arrays : dict of str to array
        By the name of the parameter.
    fresh : tuple of str
        Fully connected layers of the head for which the file has nothing that fits.
    left_out : str
        Why that is so, or which layers of the file have no place; empty where all have.
    """

    arrays: dict[str, HostArray]
    fresh: tuple[str, ...] = ()
    left_out: str = ""


def parameter_name(name: str, backbone: str) -> str:
    """Return what the array called `name` in a file is called in the network `backbone`.

    ``fire2/expand1x1.weight`` (Caffe), ``features.3.expand1x1.weight`` (torchvision) and
    ``fire2.expand.expand1x1.weight`` (ours) are the same.
    """
    layer, dot, kind = name.replace("/", ".").rpartition(".")
    return origins_of(backbone).names.get(layer, layer) + dot + kind


def named_arrays(file: WeightsFile, backbone: str) -> Named:
    """Return the arrays of `file` by their names in `backbone`; two of one name raise WeightsError."""
    arrays: Named = {}
    for in_file, values in file.arrays.items():
        name = parameter_name(in_file, backbone)
        if name in arrays:
            raise WeightsError(f"{file.path}: arrays {arrays[name][0]!r} and {in_file!r} are both {name!r}")
        arrays[name] = (in_file, values)
    return arrays


def place(backbone: Backbone, file: WeightsFile) -> Placement:
    """Return where the arrays of `file` go in `backbone`.

    The fully connected layers of the head (those called fc...) may all be missing in the file or have other
    sizes there: they are left out then. The classifier's weights (conv10, fc8) may be in the file when the
    backbone has none.

    Raises
    ------
    WeightsError
        If the file lacks another array, holds one the network does not know or one twice, or one of another
        shape or with values that are not finite.
    """
    arrays = named_arrays(file, backbone.name)
    parameters = dict(backbone.named_parameters())
    own = [n for n, layer in backbone.head.children() if isinstance(layer, Linear) and n.startswith("fc")]
    fresh, left_out = _fresh_layers(own, arrays, parameters)
    wanted = {name: p for name, p in parameters.items() if _layer(name) not in fresh}
    for name, parameter in wanted.items():
        _require_fit(name, parameter, arrays, f"{file.path}: ", backbone.name)
    extra = {name: in_file for name, (in_file, _) in arrays.items() if name not in parameters}
    unknown = [in_file for name, in_file in extra.items() if not _may_be_extra(name, own)]
    if unknown:
        raise WeightsError(f"{file.path}: {backbone.name} has no place for {_some(unknown)}")
    if not fresh and (more := sorted({_layer(name) for name in extra} - _CLASSIFIERS)):
        left_out = f"there is no place for {', '.join(more)} of the file"
    return Placement({name: arrays[name][1] for name in wanted}, tuple(fresh), left_out)


_CLASSIFIERS = {"conv10", "fc8"}


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def _may_be_extra(name: str, own: list[str]) -> bool:
    """Tell whether an array without a place is left out: classifiers, and more fully connected layers."""
    return _layer(name) in _CLASSIFIERS or bool(own and re.fullmatch(r"fc\d+", _layer(name)))


def _fresh_layers(own: list[str], arrays: Named, parameters: dict[str, Parameter]) -> tuple[list[str], str]:
    """Return which of the head's layers `own` start anew, all or none, and why."""
    keys = [name for name in parameters if _layer(name) in own]
    if not own or not any(_layer(name) in own for name in arrays):
        return own, "the file holds no fully connected layers" if own else ""
    for name in keys:
        shape = tuple(parameters[name].data.shape)
        if name in arrays and arrays[name][1].shape != shape and len(arrays[name][1].shape) == len(shape):
            return own, f"{name} has shape {arrays[name][1].shape} in the file and {shape} here"
    return [], ""


def _require_fit(name: str, parameter: Parameter, arrays: Named, where: str, backbone: str) -> None:
    """Raise WeightsError unless there is an array for the parameter, of its shape and finite."""
    expected = tuple(parameter.data.shape)
    if name not in arrays:
        raise WeightsError(
            f"{where}array {name!r} of shape {expected} is missing for {backbone}; "
            f"the file holds {_some([in_file for in_file, _ in arrays.values()])}"
        )
    in_file, values = arrays[name]
    if tuple(values.shape) != expected:
        raise WeightsError(
            f"{where}array {in_file!r} has shape {tuple(values.shape)}, "
            f"{backbone} needs {expected} for {name!r}"
        )
    try:
        require_weights(values, to_host(parameter.data[:0]).dtype, f"array {in_file!r}")
    except ValueError as error:
        raise WeightsError(f"{where}{error}") from error


def _some(names: list[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def backbones_for(file: WeightsFile) -> tuple[list[str], dict[str, str]]:
    """Return the names of the backbones that `file` fits, and of all others the reason why not."""
    fitting, reasons = [], {}
    for name, build in BACKBONES.items():
        try:
            place(build(), file)
        except WeightsError as error:
            reasons[name] = str(error).removeprefix(f"{file.path}: ")
        else:
            fitting.append(name)
    return fitting, reasons
