"""What a value may be: one rule a field, checked where the value comes in.

A rule takes a value and returns it as it is to be kept, or raises :class:`Refused` with what it must be.
:func:`require` applies rules to the fields of a record, :func:`checked` one rule to one value; both raise
ValueError with the name that the user wrote: ``postprocess.nms_iou must be between 0 and 1, got nan``.
"""

from __future__ import annotations

import dataclasses
import os
import reprlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import numpy as np

from minircnn.arrays import Array, array_namespace, on_gpu
from minircnn.registry import Registry

Rule: TypeAlias = Callable[[Any], Any]
T = TypeVar("T")

MOST_WHOLE = 2**31 - 1
"""Nothing is counted further than this."""

MOST = 10**9
"""A larger number is no setting any more: what is computed from it overflows."""


class Refused(Exception):
    """What the value must be instead."""


def whole(low: int, high: int | None = None) -> Rule:
    """Return the rule: a whole number from `low`; 2.0 and True are none."""

    def rule(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise Refused("a whole number")
        _require_inside(int(value), low, high, MOST_WHOLE)
        return int(value)  # JSON knows no numbers of NumPy

    return rule


def real(
    low: float | None = None, high: float | None = None, *, above: bool = False, below: bool = False
) -> Rule:
    """Return the rule: a finite number from `low` (itself refused if `above`) to `high` (if `below`)."""

    def rule(value: Any) -> float:
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value[()]
        if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
            raise Refused("a number")
        number: float = value.item() if isinstance(value, np.generic) else value
        _require_inside(number, low, high, MOST, above=above, below=below)
        return number

    return rule


def _require_inside(
    value: float,
    low: float | None,
    high: float | None,
    most: int,
    *,
    above: bool = False,
    below: bool = False,
) -> None:
    """Raise Refused unless `value` lies in the range; `most` closes an end that has no limit of its own."""
    least, greatest = -most if low is None else low, most if high is None else high
    enough = value > least if above else value >= least
    not_too_much = value < greatest if below else value <= greatest
    if enough and not_too_much:
        return
    if low is not None and high is not None:
        out = [end for end, excluded in ((low, above), (high, below)) if excluded]
        raise Refused(
            f"between {low} and {high}" + (f" ({' and '.join(map(str, out))} excluded)" if out else "")
        )
    if not enough:
        raise Refused(f"above {least}" if above else f"at least {least}")
    raise Refused(f"below {greatest}" if below else f"at most {greatest}")


def flag(value: Any) -> bool:
    """Rule: True or False, and no number for them."""
    if not isinstance(value, bool | np.bool_):
        raise Refused("true or false")
    return bool(value)


def text(value: Any) -> str:
    """Rule: some text."""
    if not isinstance(value, str) or not value.strip():
        raise Refused("a text")
    return value


def file_name(value: Any) -> str:
    """Rule: the name of a file; paths are kept as text, for JSON."""
    if not isinstance(value, str | os.PathLike) or not str(value).strip():
        raise Refused("the name of a file")
    return str(value)


def one_of(*words: str) -> Rule:
    """Return the rule: one of these words."""

    def rule(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise Refused(f"one of {', '.join(words)}")
        return value

    return rule


def entry_of(registry: Registry[Any]) -> Rule:
    """Return the rule: a name in `registry`, as that is when the rule is applied."""
    return lambda value: one_of(*registry)(value)


def instance(kind: type) -> Rule:
    """Return the rule: made by this class."""

    def rule(value: Any) -> Any:
        if not isinstance(value, kind):
            raise Refused(f"{kind.__name__}(...)")
        return value

    return rule


def mapping(value: Any) -> Mapping[str, Any]:
    """Rule: values by name."""
    if not isinstance(value, Mapping):
        raise Refused("a mapping of names to values")
    return value


def each(rule: Rule, *, least: int = 0) -> Rule:
    """Return the rule: a tuple or list of at least so many values that all obey `rule`; kept as a tuple."""

    def of_all(values: Any) -> tuple[Any, ...]:
        if not isinstance(values, tuple | list) or len(values) < least:
            raise Refused("one value or more" if least else "several values, or none")
        try:
            return tuple(rule(value) for value in values)
        except Refused as must:
            raise Refused(f"{must}, each of them") from None

    return of_all


def optional(rule: Rule) -> Rule:
    """Return the rule: None, or what `rule` says."""

    def rule_or_none(value: Any) -> Any:
        try:
            return None if value is None else rule(value)
        except Refused as must:
            raise Refused(f"{must}, or none") from None

    return rule_or_none


def class_names(value: Any) -> tuple[str, ...]:
    """Rule: the names of the classes, one or more texts, no two equal."""
    if not isinstance(value, tuple | list) or not value or not all(isinstance(n, str) and n for n in value):
        raise Refused("a tuple of one or more names")
    if len(set(value)) < len(value):
        raise Refused("a tuple of different names")
    return tuple(value)


def checked(name: str, value: Any, rule: Rule) -> Any:
    """Return `value` as `rule` keeps it.

    Raises
    ------
    ValueError
        Naming `name`, what it must be and what it is.
    """
    try:
        return rule(value)
    except Refused as must:
        shown = value.item() if isinstance(value, np.generic) else value
        raise ValueError(f"{name} must be {must}, got {reprlib.repr(shown)}") from None


def require(record: Any, what: str, **rules: Rule) -> None:
    """Apply `rules` to the fields of that name of `record`, frozen or not, which is called `what`.

    Raises
    ------
    ValueError
        Naming the first field that does not obey.
    """
    for field, rule in rules.items():
        value = getattr(record, field)
        kept = checked(f"{what}.{field}" if what else field, value, rule)
        if kept is not value:
            object.__setattr__(record, field, kept)


def require_order(name: str, value: float, limit_name: str, limit: float, *, below: bool = False) -> None:
    """Raise ValueError, naming both, unless `value` is at most (or `below`) `limit`."""
    if not (value < limit if below else value <= limit):
        raise ValueError(
            f"{name} must be {'below' if below else 'at most'} {limit_name} ({limit}), got {value}"
        )


def require_array(name: str, array: Array, shape: tuple[int | None, ...], *, positive: bool = False) -> None:
    """Raise ValueError, naming the array, unless it is of this shape (None: any length) and all finite.

    No shape is broadcast to another, and no number converted: what was stored for other classes, or as
    something else, does not fit. Of an array on a GPU the numbers are not looked at, which would wait for it;
    they were before it was moved there.
    """
    try:
        xp = array_namespace(array)
    except TypeError:
        raise ValueError(f"{name} must be an array, got {reprlib.repr(array)}") from None
    if not xp.isdtype(array.dtype, "real floating"):
        raise ValueError(f"{name} must hold floating-point numbers, got {array.dtype}")
    if len(array.shape) != len(shape) or any(
        n not in (None, m) for n, m in zip(shape, array.shape, strict=True)
    ):
        wanted = ", ".join("any" if n is None else str(n) for n in shape) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{name} must have shape ({wanted}), got {tuple(array.shape)}")
    if on_gpu(array):
        return
    if not bool(xp.all(xp.isfinite(array))):
        raise ValueError(f"{name} holds numbers that are not finite")
    if positive and not bool(xp.all(array > 0)):
        raise ValueError(f"{name} must be above 0 everywhere")


def record(kind: Callable[..., T], values: Any, what: str) -> T:
    """Return the dataclass `kind` made of `values`, a mapping of field names as JSON holds it (no tuples).

    Raises
    ------
    ValueError
        If that is no mapping, or lacks a field, or holds an unknown one; naming it and `what`.
    """
    checked(what, values, mapping)
    fields = {f.name: f for f in dataclasses.fields(kind) if f.init}  # type: ignore[arg-type]
    unknown = [name for name in values if name not in fields]
    if unknown:
        raise ValueError(f"{what} has no field {unknown[0]!r}; there are {', '.join(fields)}")
    for name, field in fields.items():
        missing = field.default is field.default_factory is dataclasses.MISSING
        if missing and name not in values:
            raise ValueError(f"{what} lacks the field {name!r}")
    return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})
