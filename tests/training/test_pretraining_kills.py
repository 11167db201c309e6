"""A pre-training killed at any operation on a file and resumed ends with the bytes of one that was not."""

import random

import pytest
from fault_layer import FaultLayer, Killed

from minircnn.data import SingleDigits
from minircnn.training import BackboneSettings, SolverSettings
from minircnn.training.checkpoint import CheckpointClock
from minircnn.training.pretraining import ACCURACY_LOG, WEIGHTS_FILE, PretrainSettings, pretrain

LEARN, HELD_OUT = SingleDigits("learn", count=6), SingleDigits("held-out", count=4)
FEW = PretrainSettings(
    backbone=BackboneSettings("tiny", widths=(8,)),
    solver=SolverSettings(iterations=3, learning_rate=0.01),
    batch=2,
)


def run(folder, **how):
    return pretrain(LEARN, FEW, folder, held_out=HELD_OUT, progress=False, checkpoint_every=1, **how)


@pytest.mark.parametrize("part", range(4))
def test_a_pretraining_killed_anywhere_ends_with_the_same_bytes(part, tmp_path, monkeypatch):
    monkeypatch.setattr(CheckpointClock, "due", lambda self: True)
    with FaultLayer().in_place() as layer:
        run(tmp_path / "straight")
    points = [(number, False) for number in range(len(layer.operations))]
    points += [(number, True) for number, name in enumerate(layer.operations) if name == "write"]
    for number, middle in random.Random(0).sample(points, 24)[part::4]:
        folder = tmp_path / f"{number}{middle}"
        with FaultLayer(number, middle=middle).in_place(), pytest.raises(Killed):
            run(folder, resume=True)
        run(folder, resume=True)
        for name in (WEIGHTS_FILE, ACCURACY_LOG):
            assert (folder / name).read_bytes() == (tmp_path / "straight" / name).read_bytes(), (
                number,
                middle,
            )
        assert not list(folder.rglob("*.partial"))
