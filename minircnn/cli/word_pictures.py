"""The picture of a training by visual words, for ``curves.png`` of its run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from minircnn.cli.curves import TRAINING_PICTURES
from minircnn.files import read_text
from minircnn.training.bag_of_words import TRACE_FILE
from minircnn.viz import draw_word_training


@TRAINING_PICTURES.register("bag-of-words")
def word_training_picture(folder: Path) -> Any:
    """Draw the trace of the run in `folder`; None where there is none yet."""
    path = folder / TRACE_FILE
    if not path.is_file():
        return None
    trace = [json.loads(line) for line in read_text(path).splitlines()]
    return draw_word_training(trace, f"bag-of-words: {folder.resolve().name}")
