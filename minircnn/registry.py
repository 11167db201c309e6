"""Things of one kind by name: a dictionary, and the decorator that fills it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
Named = TypeVar("Named")


class Registry(dict[str, T], Generic[T]):
    """What there is of one kind, in the order in which it was registered.

    Parameters
    ----------
    kind : str
        The word for one of them, for error messages.

    Examples
    --------
    >>> from minircnn.registry import Registry
    >>> shapes = Registry("shape")
    >>> @shapes.register("square")
    ... def area(side): return side * side
    >>> shapes["square"](3), list(shapes)
    (9, ['square'])
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def register(self, name: str) -> Callable[[Named], Named]:
        """Return a decorator that enters what stands below it under `name`."""

        def enter(thing: Named) -> Named:
            if name in self:
                raise ValueError(f"there is a {self.kind} {name!r} already")
            self[name] = thing  # type: ignore[assignment]
            return thing

        return enter

    def __missing__(self, name: str) -> T:
        """Raise ValueError naming what there is."""
        raise ValueError(f"unknown {self.kind} {name!r}; there are {', '.join(self)}")

    def require(self, name: str) -> None:
        """Raise ValueError, naming what there is, unless `name` is registered."""
        self[name]
