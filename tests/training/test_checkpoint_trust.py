"""A checkpoint is read whole and sound, or refused by name."""

import numpy as np
import pytest
from trained_detectors import SCENES, settings_of

from minircnn.detectors import StorageError
from minircnn.detectors.storage import read_bundle, write_bundle
from minircnn.training import FastRCNNTrainer, LoopSettings, TrainingInterrupted

BOXES = [np.float32([[0, 0, 60, 60], [20, 20, 90, 100]])] * len(SCENES)


def trainer():
    return FastRCNNTrainer(SCENES, BOXES, settings_of("fast-rcnn"))


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    loop = LoopSettings(folder, "fast-rcnn", progress=False, stop_after=1)
    with pytest.raises(TrainingInterrupted):
        trainer().train(loop)
    return read_bundle(loop.checkpoint_path)


def weight_of(arrays, value):
    name = next(name for name in arrays if name.startswith("network."))
    return {**arrays, name: np.full_like(arrays[name], value)}


def momentum_of(arrays, value):
    name = next(name for name in arrays if name.startswith("momentum."))
    changed = arrays[name].copy()
    changed.flat[-1] = value
    return {**arrays, name: changed}


def without(arrays):
    return {name: array for name, array in arrays.items() if name != min(arrays, key=len)}


CASES = {
    "a newer format": (lambda a, m: (a, m | {"checkpoint": 99}), r"newer minircnn \(checkpoint format 99\)"),
    "no format": (lambda a, m: (a, {}), "is no training checkpoint"),
    "a text as format": (lambda a, m: (a, m | {"checkpoint": "2"}), "its format is '2'"),
    "truth as format": (lambda a, m: (a, m | {"checkpoint": True}), "its format is True"),
    "a text as iteration": (lambda a, m: (a, m | {"iteration": "1"}), "its iteration is '1'"),
    "a negative iteration": (lambda a, m: (a, m | {"iteration": -1}), "its iteration is -1"),
    "no settings": (lambda a, m: (a, m | {"settings": [1]}), "its settings is"),
    "no random state": (lambda a, m: (a, {k: v for k, v in m.items() if k != "rng"}), "its rng is None"),
    "a random state of another kind": (lambda a, m: (a, m | {"rng": {"a": 1}}), "does not fit the training"),
    "NaN weights": (lambda a, m: (weight_of(a, np.nan), m), "not finite.*lower learning rate"),
    "infinite weights": (lambda a, m: (weight_of(a, np.inf), m), "not finite"),
    "NaN momentum": (lambda a, m: (momentum_of(a, np.nan), m), r"momentum\..* not finite"),
    "whole numbers": (lambda a, m: ({k: v.astype(np.int32) for k, v in a.items()}, m), "holds int32"),
    "an array missing": (lambda a, m: (without(a), m), "does not fit the training"),
    "an array more": (lambda a, m: ({**a, "momentum.x": np.zeros(1)}, m), "does not fit the training"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_no_training_leaves_is_refused_by_name(content, tmp_path, case):
    change, message = CASES[case]
    loop = LoopSettings(tmp_path, "fast-rcnn", progress=False, resume=True)
    write_bundle(loop.checkpoint_path, *change(*content))
    with pytest.raises(StorageError, match=message) as refused:
        trainer().train(loop)
    assert str(loop.checkpoint_path) in str(refused.value)
