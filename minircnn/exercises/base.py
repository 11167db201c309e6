"""What a lab is: functions to be written, and the parts by which they are graded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from minircnn.checks import Refused, checked, each, instance, one_of, require, text
from minircnn.registry import Registry

Functions: TypeAlias = Mapping[str, Callable[..., Any]]
Arguments: TypeAlias = tuple[Any, ...]
Cases: TypeAlias = Callable[[np.random.Generator], Iterable[Arguments]]
Level: TypeAlias = Literal["easy", "medium", "hard"]

LEVELS: tuple[Level, ...] = ("easy", "medium", "hard")


@dataclass(frozen=True)
class Part:
    """One thing that a function must do right, tried on cases from small to large.

    Attributes
    ----------
    name : str
        The thing, for people: "boxes that only touch".
    function : str
        The function of the lab that it is about.
    cases : callable
        ``cases(rng)`` yields the arguments of each call, the smallest first.
    expected : callable
        ``expected(*arguments)`` returns what is right.
    hint : str
        What to think about if this part alone fails.
    returns : tuple of str
        Names of the values, where the function returns several.
    only : int, optional
        The one of them that this part looks at. Default: all.
    run : callable, optional
        ``run(functions, *arguments)`` returns what is compared. Default: the function's answer.
    """

    name: str
    function: str
    cases: Cases
    expected: Callable[..., Any]
    hint: str
    returns: tuple[str, ...] = ()
    only: int | None = None
    run: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        require(self, "part", name=text, function=text, hint=text, returns=each(text))

    def answer(self, functions: Functions, arguments: Arguments) -> Any:
        """Return what the functions under test make of `arguments`."""
        if self.run is not None:
            return self.run(functions, *arguments)
        return functions[self.function](*arguments)


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that many give, by which a hint can be chosen: it explains all of a part's answers.

    Attributes
    ----------
    function : str
        The function of the lab.
    answer : callable
        ``answer(*arguments)`` returns what those who make the mistake get.
    hint : str
        What to think about.
    """

    function: str
    answer: Callable[..., Any]
    hint: str

    def __post_init__(self) -> None:
        require(self, "mistake", function=text, hint=text)


@dataclass(frozen=True)
class Lab:
    """An exercise.

    Attributes
    ----------
    title : str
        Its subject.
    task : str
        What is to be written, in one line.
    page : str
        The page of the documentation that explains it, from its root, with the section.
    source : str
        The section of the paper.
    level : {"easy", "medium", "hard"}
    hint : str
        The hint that the stub begins with.
    stubs : tuple of callables
        The functions to be written, as the student gets them: signature and docstring.
    imports : tuple of str
        The first lines of the stub.
    parts : tuple of Part
        From the simple to the special.
    mistakes : tuple of Mistake
    """

    title: str
    task: str
    page: str
    source: str
    level: Level
    hint: str
    stubs: tuple[Callable[..., Any], ...]
    imports: tuple[str, ...]
    parts: tuple[Part, ...]
    mistakes: tuple[Mistake, ...] = ()

    def __post_init__(self) -> None:
        require(self, "lab", title=text, task=text, page=_page, source=text, level=one_of(*LEVELS), hint=text)
        parts, mistakes = each(instance(Part), least=1), each(instance(Mistake))
        require(self, "lab", imports=each(instance(str)), parts=parts, mistakes=mistakes)
        for part in self.parts:
            checked(f"function of {part.name!r}", part.function, one_of(*self.functions))
        for mistake in self.mistakes:
            checked(f"function of {mistake.hint!r}", mistake.function, one_of(*self.functions))

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of the functions to be written."""
        return tuple(stub.__name__ for stub in self.stubs)


LABS: Registry[Lab] = Registry("lab")


def _page(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[\w/-]+\.md#[\w-]+", value):
        raise Refused("a page and its section, as 'walkthroughs/05-evaluation.md#precision-and-recall'")
    return value
