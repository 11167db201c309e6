"""The picture of how a training goes, in the folder of the run."""

from __future__ import annotations

from pathlib import Path

from minircnn.cli.output import note
from minircnn.training import read_log
from minircnn.training.log import log_file
from minircnn.training.validation import LOG_FILE
from minircnn.viz import draw_training, save_figure


class CurvesPicture:
    """``curves.png`` of a run, drawn of its logs again and again; that it cannot be drawn is said once.

    Parameters
    ----------
    folder : Path
        Of the run.
    name : str
        Of its recipe.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.path = folder / "curves.png"
        self._failed = False

    def draw(self) -> None:
        """Draw the logs as they are now; nothing where nothing was trained yet."""
        log = read_log(log_file(self.folder, self.name))
        if not log or self._failed:
            return
        try:
            title = f"{self.name}: {self.folder.resolve().name}"
            save_figure(draw_training(log, read_log(self.folder / LOG_FILE), title), self.path)
        except (ImportError, OSError) as error:  # the training is worth more than its picture
            self._failed = True
            note(f"{self.path} is not drawn: {error}")
