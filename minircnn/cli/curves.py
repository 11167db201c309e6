"""The picture of how a training goes, in the folder of the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from minircnn.cli.output import note
from minircnn.registry import Registry
from minircnn.training import read_log
from minircnn.training.hog_rounds import read_trace
from minircnn.training.log import log_file
from minircnn.training.recipe import TrainingPart
from minircnn.training.validation import LOG_FILE
from minircnn.viz import draw_rounds, draw_stages, draw_training, save_figure

TRAINING_PICTURES: Registry[Callable[[Path], Any]] = Registry("picture of a training")
"""How trainings without loss curves are drawn, by the names of their recipes: ``draw(folder)`` returns a
figure, or None where nothing is to be seen yet."""


class CurvesPicture:
    """``curves.png`` of a run, drawn of its logs again and again; that it cannot be drawn is said once.

    Parameters
    ----------
    folder : Path
        Of the run.
    name : str
        Of its recipe.
    parts : sequence of TrainingPart
        What of the training makes updates, in its order.
    """

    def __init__(self, folder: Path, name: str, parts: Sequence[TrainingPart]) -> None:
        self.folder, self.name = folder, name
        self.logs = {f"{part.title}: {part.what}": log_file(folder, name + part.suffix) for part in parts}
        self.path = folder / "curves.png"
        self._failed = False

    def draw(self) -> None:
        """Draw the logs as they are now; nothing where nothing was trained yet."""
        if self._failed:
            return
        try:
            figure = (
                TRAINING_PICTURES[self.name](self.folder)
                if self.name in TRAINING_PICTURES
                else self._curves()
            )
            if figure is not None:
                save_figure(figure, self.path)
        except (ImportError, OSError) as error:  # the training is worth more than its picture
            self._failed = True
            note(f"{self.path} is not drawn: {error}")

    def _curves(self) -> Any:
        """Return the curves of what was logged, or None where nothing was yet."""
        read = {title: read_log(path) for title, path in self.logs.items()}
        begun = {title: log for title, log in read.items() if log}
        if not begun:
            return None
        title, seen = f"{self.name}: {self.folder.resolve().name}", read_log(self.folder / LOG_FILE)
        if len(self.logs) > 1:
            return draw_stages(begun, seen, title)
        (log,) = begun.values()
        return draw_training(log, seen, title)


@TRAINING_PICTURES.register("hog-svm")
def _hog_svm(folder: Path) -> Any:
    """Draw the rounds of a training of HOG + SVM."""
    records = read_trace(folder)
    return draw_rounds(records, f"hog-svm: {folder.resolve().name}") if records else None
