"""What was found in a student's file, and how it is told."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Failure:
    """The smallest case at which a part fails.

    Attributes
    ----------
    kind : str
        "not written", "not tried", "missing", "signature", "exception", "time", "ended", "changed", "type",
        "shape", "not finite" or "value".
    message : str
        What is wrong, in words.
    call : str
        The call, as Python code; empty where nothing was called.
    returned, expected : str
        Both answers, as Python code; empty where there is none.
    hint : str
        One thing to think about.
    printed : str
        What the student's code printed during the call.
    """

    kind: str
    message: str
    call: str = ""
    returned: str = ""
    expected: str = ""
    hint: str = ""
    printed: str = ""

    def text(self) -> str:
        """Return the failure as it is shown: the call, both answers, the difference, the hint."""
        seen = self.kind == "value" and not set("[(<") & set(self.returned)  # two numbers
        verdict = "so" if self.returned else "but" if self.call else ""
        rows = [
            ("returned", self.returned),
            ("expected", self.expected),
            (verdict, "" if seen else self.message),
        ]
        rows += [("printed", self.printed), ("hint", self.hint)]
        lines = [f"{textwrap.indent(self.call, '    ')}\n"] if self.call else []
        for name, words in rows:
            if words:
                label = f"  {name:<9} " if name else "  "
                lines.append(label + words.rstrip().replace("\n", "\n" + " " * len(label)))
        return "\n".join(lines)


@dataclass(frozen=True)
class PartResult:
    """How one part went; `failure` is None if it passed."""

    name: str
    function: str
    cases: int
    failure: Failure | None = None

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> PartResult:
        """Return the result that `dataclasses.asdict` made these values of."""
        failure = values["failure"]
        return cls(**{**values, "failure": None if failure is None else Failure(**failure)})


@dataclass(frozen=True)
class Report:
    """What was found in a file: of which lab it is, and how each part went.

    Attributes
    ----------
    file : str
    lab : str
        The name of the lab.
    title : str
    parts : tuple of PartResult
        Empty if nothing could be graded.
    trouble : Failure, optional
        Why nothing could be graded: an error while the file was read, or a stub that nobody has touched.
    """

    file: str
    lab: str
    title: str
    parts: tuple[PartResult, ...] = ()
    trouble: Failure | None = None

    @classmethod
    def of_trouble(cls, file: str, words: str) -> Report:
        """Return the report of a file that cannot be graded, of whatever lab it is."""
        return cls(file, "", "cannot be graded", trouble=Failure("exception", words))

    @property
    def passed(self) -> int:
        """How many parts pass."""
        return sum(part.failure is None for part in self.parts)

    @property
    def ok(self) -> bool:
        """Whether every part passes."""
        return bool(self.parts) and self.passed == len(self.parts)

    @property
    def first_failure(self) -> PartResult | None:
        """The first part that fails; parts go from the simple to the special."""
        return next((part for part in self.parts if part.failure is not None), None)

    def text(self) -> str:
        """Return what a student reads."""
        if self.trouble is not None:
            return f"{self.file}: {self.title}\n\n{self.trouble.text()}"
        lines = [f"{self.file}: {self.title}, {self.passed} of {len(self.parts)} parts pass", ""]
        several = len({part.function for part in self.parts}) > 1
        for part in self.parts:
            name = f"{part.function}: {part.name}" if several else part.name
            lines.append(f"  {_verdict(part.failure):<11}  {name}")
        failing = self.first_failure
        if failing is not None and failing.failure is not None:
            what = (
                "The smallest case that fails, of" if failing.failure.call else "The first part that fails,"
            )
            lines += ["", f"{what} “{failing.name}”:", "", failing.failure.text()]
        return "\n".join(lines)


def _verdict(failure: Failure | None) -> str:
    if failure is None:
        return "ok"
    return failure.kind if failure.kind in ("not written", "not tried", "missing") else "WRONG"
