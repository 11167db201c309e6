"""What must be said of a detector that is handed on: a model card, in a JSON file beside it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minircnn import files
from minircnn.checks import checked, class_names, each, mapping, optional, real, record, require, text, whole

_WIDTH = 100


@dataclass(frozen=True)
class ModelCard:
    """How a detector was made, what it reaches, and what it does not.

    Every field must be said; one that is missing or makes no sense raises ValueError, which names it.
    """

    detector: str
    """Its kind: ``"fast-rcnn"``."""
    class_names: tuple[str, ...]
    data: str
    """The photos it was trained on: which, how many, from where."""
    settings: Mapping[str, Any]
    """Of the training, as in the run's settings.json."""
    seed: int
    command: str
    """The call that made it."""
    scores: Mapping[str, float | None]
    """Average precision of each class; None where it did not occur."""
    measured: str
    """On which photos, at which overlap, by which rule."""
    failures: tuple[str, ...]
    """What it is known to get wrong."""
    license: str
    """Of the detector."""
    initial_weights: str
    """What training began with: which weights, from where; or that it began at random."""
    initial_weights_license: str
    sha256: str
    """Of the detector's file."""

    def __post_init__(self) -> None:
        words = ("detector", "data", "command", "measured", "license", "initial_weights")
        rules = {name: text for name in (*words, "initial_weights_license", "sha256")}
        require(self, "card", **rules, class_names=class_names, settings=mapping, seed=whole(0))
        require(self, "card", scores=mapping, failures=each(text, least=1))
        for name in self.class_names:
            if name not in self.scores:
                raise ValueError(f"card.scores has no score of {name}")
        for name in self.scores:
            if name not in self.class_names:
                raise ValueError(f"card.scores has a score of {name}, which is not among class_names")
        for name, score in self.scores.items():
            checked(f"card.scores of {name}", score, optional(real(0, 1)))

    @property
    def mean(self) -> float:
        """Mean average precision over the classes that have a score; NaN without any."""
        known = [score for score in self.scores.values() if score is not None]
        return float(np.mean(known)) if known else float("nan")

    def to_json(self) -> str:
        """Return the card as it stands in a file."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def __str__(self) -> str:
        scores = ", ".join(f"{k} {'-' if v is None else f'{v:.2f}'}" for k, v in self.scores.items())
        lines = [
            ("detector", f"{self.detector}, {len(self.class_names)} classes"),
            ("data", self.data),
            ("initial weights", f"{self.initial_weights} ({self.initial_weights_license})"),
            ("command", self.command),
            ("seed", str(self.seed)),
            ("measured", self.measured),
            ("mean AP", f"{self.mean:.3f}"),
            ("AP", scores),
            *(("known failure", failure) for failure in self.failures),
            ("license", self.license),
        ]
        width = max(len(name) for name, _ in lines) + 2
        wrapper = textwrap.TextWrapper(_WIDTH, subsequent_indent=" " * width)
        return "\n".join(wrapper.fill(f"{name:<{width}}{words}") for name, words in lines)


def read_card(path: Path | str) -> ModelCard:
    """Read a card.

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If it is no card or lacks a field; the file and the field are named.
    """
    return card_of(files.read_json(path), str(path))


def card_of(content: Any, what: str) -> ModelCard:
    """Return the card that `content`, as JSON holds it, is; `what` names it in the error.

    Raises
    ------
    ValueError
        If it lacks a field, has an unknown one, or one that makes no sense.
    """
    try:
        return record(ModelCard, content, "card")
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None
