"""Settings of a training, changed by dotted name, and shortened."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from minircnn.training import SolverSettings, presets


def changed(settings: Any, changes: Mapping[str, Any]) -> Any:
    """Return `settings`, a record, with fields replaced by dotted name: ``{"solver.step": 5}``.

    Raises
    ------
    ValueError
        If there is no such field.
    """
    for name, value in changes.items():
        first, _, rest = name.partition(".")
        if first not in {f.name for f in dataclasses.fields(settings)}:
            raise ValueError(f"{type(settings).__name__} has no setting {first!r}")
        inner = changed(getattr(settings, first), {rest: value}) if rest else value
        settings = dataclasses.replace(settings, **{first: inner})
    return settings


def shortened(settings: Any, share: float) -> Any:
    """Return `settings` with this share of the updates of every solver, one at least; 2 doubles them."""
    if isinstance(settings, SolverSettings):
        return presets.shortened(settings, share)
    for f in dataclasses.fields(settings):
        value = getattr(settings, f.name)
        if dataclasses.is_dataclass(value):
            settings = dataclasses.replace(settings, **{f.name: shortened(value, share)})
    return settings
