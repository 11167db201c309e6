"""SIGTERM and SIGHUP end each part of a training cleanly; killed processes are gone on from."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_kills import SCENES, settings_of, train_in

from minircnn.data import Scenes
from minircnn.training import RECIPES, TrainingInterrupted, svms, train

TESTS = Path(__file__).resolve().parents[1]
SCRIPT = """
import sys
from pathlib import Path
from test_kills import train_in
print("here", flush=True)
train_in(Path(sys.argv[1]), sys.argv[2], resume=True)
"""


class Signalled(Scenes):
    """Scenes, of which reading one for the `at`-th time sends a signal."""

    def __init__(self, at, name):
        super().__init__("train", count=len(SCENES), size=64, heights=(16, 32))
        self.at, self.signal = at, getattr(signal, name)

    def image(self, index):
        self.at -= 1
        if self.at == 0:
            signal.raise_signal(self.signal)
        return super().image(index)


@pytest.mark.parametrize("name", [n for n in ("SIGTERM", "SIGHUP") if hasattr(signal, n)])
@pytest.mark.parametrize(
    ("at", "error"), [(2, KeyboardInterrupt), (6, KeyboardInterrupt), (9, TrainingInterrupted)]
)
def test_a_signal_ends_every_part_cleanly(name, at, error, tmp_path):
    """Four photos are read to know them again and for their proposals; the ninth reading is an update's."""
    former = signal.getsignal(getattr(signal, name))
    settings = settings_of("fast-rcnn")
    with pytest.raises(error) as stop:
        train(Signalled(at, name), settings, tmp_path / "run", progress=False)
    assert stop.value.signum == getattr(signal, name)
    assert signal.getsignal(getattr(signal, name)) == former
    train_in(tmp_path / "run", "fast-rcnn", resume=True)
    train_in(tmp_path / "straight", "fast-rcnn")
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == (
        tmp_path / "straight" / "model.safetensors"
    ).read_bytes()


def test_a_signal_ends_the_svms_cleanly(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(svms, "negative_regions", lambda *_: signal.raise_signal(signal.SIGTERM))
        with pytest.raises(KeyboardInterrupt):
            train_in(tmp_path / "run", "sppnet")
    train_in(tmp_path / "run", "sppnet", resume=True)
    assert (tmp_path / "run" / "model.safetensors").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_a_process_killed_at_any_moment_is_gone_on_from(name, tmp_path):
    train_in(tmp_path / "straight", name)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS / "training"), *sys.path]),
    }
    moments, killed = random.Random(name), 0
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, tmp_path / "run", name],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with process.stdout:
            assert process.stdout.readline() == "here\n"
        time.sleep(moments.uniform(0, 0.5))
        process.kill()
        killed += process.wait() != 0
    assert killed
    train_in(tmp_path / "run", name, resume=True)
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == (
        tmp_path / "straight" / "model.safetensors"
    ).read_bytes()
