"""What is said about a data set: counts, sizes and findings, as text or as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from minircnn.data.policy import mends
from minircnn.data.problems import Problem, printable

_NAMED = 5  # photos without annotation


@dataclass(frozen=True)
class ClassCount:
    """How often one class occurs."""

    name: str
    objects: int
    difficult: int
    images: int


@dataclass(frozen=True)
class Spread:
    """Smallest, middle and largest of some numbers; zeros when there are none."""

    smallest: float
    median: float
    largest: float


@dataclass(frozen=True)
class DataReport:
    """What a data set holds and what is wrong with it.

    Attributes
    ----------
    name : str
    images : int
    images_without_objects : int
    objects : int
        Sound boxes; the bad ones are among `problems`.
    objects_per_image : Spread
    classes : tuple of ClassCount
        In the order of the labels; a class that does not occur has zeros.
    image_height, image_width : Spread
        Pixels.
    box_height, box_width, box_aspect : Spread
        Pixels; aspect is width / height.
    splits : dict
        Photos in each list of a VOC folder; empty for other data sets.
    problems : tuple of Problem
    unannotated : tuple of str
        Photos beside the others that no annotation belongs to: they are not part of the data set.
    remarks : tuple of str
        What is no problem but good to know.
    """

    name: str
    images: int
    images_without_objects: int
    objects: int
    objects_per_image: Spread
    classes: tuple[ClassCount, ...]
    image_height: Spread
    image_width: Spread
    box_height: Spread
    box_width: Spread
    box_aspect: Spread
    splits: dict[str, int]
    problems: tuple[Problem, ...]
    unannotated: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong, or all that is wrong was left out as asked."""
        return all(problem.action != "error" for problem in self.problems)

    @property
    def droppable(self) -> bool:
        """Whether all that is wrong are boxes, so that ``on_bad_box="drop"`` makes the data usable."""
        return all(problem.is_box for problem in self.problems)

    @property
    def mends(self) -> tuple[str, ...]:
        """What makes the data usable, ``"on_bad_box"`` or ``"on_bad_photo"``; empty if more is wrong."""
        enough = self.objects > 0 and self.images > 0
        return mends([p for p in self.problems if p.action == "error"]) if enough else ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain dictionaries and lists, ready for JSON."""
        return {**asdict(self), "ok": self.ok, "problems": [problem.to_dict() for problem in self.problems]}

    def text(self, most: int = 20) -> str:
        """Return the report as plain text, with at most `most` of the problems."""
        lines = [
            f"{self.name}: {self.images} photos, {self.objects} objects, {len(self.classes)} classes; "
            f"{self.images_without_objects} photos without objects"
        ]
        lines += [f"  list {split}: {count} photos" for split, count in self.splits.items()]
        lines.append(f"{'':20}{'smallest':>10}{'median':>10}{'largest':>10}")
        for title, spread in (
            ("photo width", self.image_width),
            ("photo height", self.image_height),
            ("box width", self.box_width),
            ("box height", self.box_height),
            ("box width / height", self.box_aspect),
            ("objects per photo", self.objects_per_image),
        ):
            lines.append(f"{title:20}{spread.smallest:10.4g}{spread.median:10.4g}{spread.largest:10.4g}")
        width = max([20, *(len(count.name) + 2 for count in self.classes)])
        lines.append(f"{'class':{width}}{'objects':>10}{'difficult':>10}{'photos':>10}")
        lines += [f"{c.name:{width}}{c.objects:10}{c.difficult:10}{c.images:10}" for c in self.classes]
        if self.unannotated:
            names = ", ".join(self.unannotated[:_NAMED])
            more = ", ..." if len(self.unannotated) > _NAMED else ""
            lines.append(
                f"{len(self.unannotated)} photo(s) have no annotation and are left out: {names}{more}"
            )
        lines += [f"remark: {remark}" for remark in self.remarks]
        lines.append("no problems" if not self.problems else f"{len(self.problems)} problem(s):")
        lines += [f"  {problem}" for problem in self.problems[:most]]
        if len(self.problems) > most:
            lines.append(f"  ... and {len(self.problems) - most} more")
        return printable("\n".join(lines))
