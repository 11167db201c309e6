"""The picture of how a training goes, in the folder of the run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from minircnn.cli.output import note
from minircnn.training import read_log
from minircnn.training.log import log_file
from minircnn.training.recipe import TrainingPart
from minircnn.training.validation import LOG_FILE
from minircnn.viz import draw_stages, draw_training, save_figure


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
        read = {title: read_log(path) for title, path in self.logs.items()}
        begun = {title: log for title, log in read.items() if log}
        if not begun or self._failed:
            return
        title, seen = f"{self.name}: {self.folder.resolve().name}", read_log(self.folder / LOG_FILE)
        try:
            if len(self.logs) == 1:
                (log,) = begun.values()
                figure = draw_training(log, seen, title)
            else:
                figure = draw_stages(begun, seen, title)
            save_figure(figure, self.path)
        except (ImportError, OSError) as error:  # the training is worth more than its picture
            self._failed = True
            note(f"{self.path} is not drawn: {error}")
