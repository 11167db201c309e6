"""SVMs and box regressions go on from where they were killed, and from nothing that was not theirs."""

import dataclasses

import numpy as np
import pytest
from test_kills import SCENES, settings_of

from minircnn.training import box_regression, svms, train
from minircnn.training.checkpoint import CheckpointClock
from minircnn.training.kept_part import KeptPart


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture(autouse=True)
def always_due(monkeypatch):
    monkeypatch.setattr(CheckpointClock, "due", lambda self: True)


@pytest.fixture
def calls(monkeypatch):
    """How often negatives of a photo were asked for and a regression was fitted; `kill`: when to end."""
    made = {"negatives": 0, "fits": 0, "kill": None}

    def counted(name, function):
        def call(*arguments):
            if (name, made[name]) == made["kill"]:
                raise Killed
            made[name] += 1
            return function(*arguments)

        return call

    monkeypatch.setattr(svms, "negative_regions", counted("negatives", svms.negative_regions))
    fit = box_regression.BoxRegressor.fit
    monkeypatch.setattr(box_regression.BoxRegressor, "fit", counted("fits", fit))
    return made


def run(folder, calls, kill=None, **changes):
    """Train SPP-net; return its bytes, or None where it was killed, and what was called."""
    calls.update(negatives=0, fits=0, kill=kill)
    settings = dataclasses.replace(settings_of("sppnet"), **changes)
    try:
        train(SCENES, settings, folder, progress=False, resume=True)
        return (folder / "model.safetensors").read_bytes(), calls["negatives"], calls["fits"]
    except Killed:
        return None, calls["negatives"], calls["fits"]


def test_photos_mined_and_classes_fitted_before_a_kill_are_not_done_again(tmp_path, calls):
    straight, photos, fits = run(tmp_path / "straight", calls)
    assert photos == len(SCENES)
    assert fits > 3
    folder = tmp_path / "run"
    assert run(folder, calls, kill=("negatives", 3)) == (None, 3, 0)
    assert run(folder, calls, kill=("fits", 2)) == (None, photos - 3, 2)
    assert run(folder, calls) == (straight, 0, fits - 2)


@pytest.mark.parametrize("part", ["svms", "box-regressions"])
def test_a_damaged_file_counts_as_nothing(part, tmp_path, calls):
    straight, photos, _ = run(tmp_path, calls)
    file = tmp_path / f"sppnet.{part}.safetensors"
    file.write_bytes(file.read_bytes()[:50])
    again = run(tmp_path, calls)
    assert again[0] == straight
    assert again[1] == (photos if part == "svms" else 0)


def test_what_was_kept_under_another_key_counts_as_nothing(tmp_path):
    path = tmp_path / "kept.safetensors"
    clock = CheckpointClock(60)
    KeptPart(path, "one", clock).write({"a": np.ones(2)}, {"done": 1})
    arrays, state = KeptPart(path, "one", clock).read()
    assert arrays["a"].tolist() == [1, 1]
    assert state == {"done": 1}
    assert KeptPart(path, "other", clock).read() is None
