"""One detector of each kind for lessons, trained in a minute or two and kept for the next page."""

from __future__ import annotations

import json

from minircnn.data import Scenes
from minircnn.detectors import load_detector
from minircnn.detectors.storage import MODEL_FILE
from minircnn.files import read_json, write_text
from minircnn.training.code_digest import code_digest
from minircnn.training.recipe import RECIPES
from minircnn.training.run import TrainingRun, train
from minircnn.training.run_folder import unless_done
from minircnn.weights.catalogue import cache_folder

CLASSROOM_SCENES = 80
_SECONDS = "seconds.json"


def classroom(name: str, *, progress: bool = False) -> TrainingRun:
    """Return the detector `name`, trained on 80 of the built-in scenes.

    The walkthroughs share it: all kinds of detectors get the same scenes and proposals and the preset
    ``classroom``. What was trained is kept where fetched weights are (``MINIRCNN_CACHE``), under a digest of
    the package's code, so that it is never that of another version. A training that was stopped goes on, and
    one in another process is waited for.

    Parameters
    ----------
    name : str
        Of a recipe: ``rcnn``, ``sppnet``, ``fast-rcnn``.
    progress : bool
        Show bars while it is trained.

    Returns
    -------
    TrainingRun
        The detector, its file, and the seconds that its proposals and its training took, whenever that was.
    """
    settings = RECIPES[name].presets["classroom"]
    folder = cache_folder() / "classroom" / code_digest()
    model, took = folder / name / MODEL_FILE, folder / name / _SECONDS

    def train_it() -> None:
        run = train(
            Scenes("train", count=CLASSROOM_SCENES),
            settings,
            folder / name,
            resume=True,
            proposal_folder=folder / "proposals",
            progress=progress,
        )
        write_text(took, json.dumps(run.seconds) + "\n")

    unless_done(took.is_file, train_it)
    return TrainingRun(load_detector(model), model, read_json(took))
