"""Training on a GPU: the CPU's losses, the CPU's batches, and the next one made while the GPU works."""

import dataclasses
import shutil
import signal
import threading
import time

import numpy as np
import pytest
from small_trainings import SCENES, WITH_A_NETWORK, parts, proposals, settings_of

from minircnn.data import Scenes, SingleDigits
from minircnn.detectors import load_detector
from minircnn.training import RECIPES, LoopSettings, TrainingInterrupted, read_log, train
from minircnn.training.batches import Batches
from minircnn.training.pretraining import PRETRAIN_PRESETS, PretrainTrainer

WITH_BATCHES_OF_THE_DATA_ALONE = ["fast-rcnn", "rcnn", "sppnet"]  # not of what the network proposes


def updates(trainer, count=2):
    """Make updates; return the losses of each."""
    losses = []
    for iteration in range(count):
        trainer.state.network.zero_grad()
        losses.append(trainer.step(iteration))
        trainer.state.optimizer.step()
    return losses


def assert_same_losses(found, expected, rtol=1e-4):
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys()
        assert all(isinstance(value, float) for value in one.values())
        np.testing.assert_allclose(list(one.values()), list(other.values()), rtol=rtol, atol=1e-6)


@pytest.mark.parametrize(("make", "settings"), parts())
def test_two_updates_have_the_losses_of_the_cpu(make, settings, gpu):
    trainer = make(SCENES, proposals(), settings, device="cuda")
    losses = updates(trainer)
    assert isinstance(trainer.network.on, gpu.ndarray)
    assert_same_losses(losses, updates(make(SCENES, proposals(), settings)))


def test_two_updates_of_a_pretraining_have_the_losses_of_the_cpu(gpu):
    settings = dataclasses.replace(PRETRAIN_PRESETS["digits-quick"], batch=8)
    images = SingleDigits(count=40)
    losses = [updates(PretrainTrainer(images, settings, device=device)) for device in ("cuda", "cpu")]
    assert_same_losses(*losses)


def test_maps_of_frozen_layers_are_kept_in_training_on_a_gpu(gpu, tmp_path):
    settings = settings_of("fast-rcnn")
    backbone = dataclasses.replace(settings.backbone, frozen=("conv1", "conv2"))
    settings = dataclasses.replace(settings, backbone=backbone, keep_maps=True)
    losses = []
    for device in ("cuda", "cpu"):
        trainer = RECIPES["fast-rcnn"].trainer(SCENES, proposals(), settings, device=device)
        trainer.train(LoopSettings(tmp_path / device, progress=False))  # the GPU's are made by the thread
        losses.append([record["loss"] for record in read_log(tmp_path / device / "train.log.jsonl")])
        assert trainer.sampler.inputs.made
    np.testing.assert_allclose(*losses, rtol=1e-3)  # half precision rounds neighbours apart


def assert_no_batch_is_being_made():
    """The threads of other work (our own helpers, the libraries') may go on."""
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("batch of iteration")]


class Watched:
    """Notes which batches steps are given, and by which threads they were made."""

    def __init__(self, monkeypatch, name):
        self.batches, self.threads = [], []
        kind = RECIPES[name].trainer
        make, gradients = kind.make_batch, kind.gradients

        def noted_make(trainer, iteration, rng=None):
            self.threads.append(threading.current_thread().name)
            return make(trainer, iteration, rng)

        def noted_gradients(trainer, batch):
            self.batches.append(batch)
            return gradients(trainer, batch)

        monkeypatch.setattr(kind, "make_batch", noted_make)
        monkeypatch.setattr(kind, "gradients", noted_gradients)

    def taken(self):
        """Return the arrays of all batches, and begin anew."""
        batches, self.batches = self.batches, []
        return [
            [np.array(part) for part in (batch if isinstance(batch, tuple) else vars(batch).values())]
            for batch in batches
        ]


def run(name, folder, device, **options):
    """Train the network of a recipe; return it."""
    trainer = RECIPES[name].trainer(SCENES, proposals(), settings_of(name), device=device)
    trainer.train(LoopSettings(folder, name, progress=False, **options))
    return trainer.network


def assert_same_batches(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        for array, wanted in zip(one, other, strict=True):
            np.testing.assert_array_equal(array, wanted)


@pytest.mark.parametrize("name", ["fast-rcnn", "rcnn"])
def test_two_trainings_on_one_gpu_give_the_same_bits(name, gpu, tmp_path):
    one, other = (run(name, tmp_path / which, "cuda").state_dict() for which in ("one", "other"))
    assert one.keys() == other.keys()
    for key, values in one.items():
        np.testing.assert_array_equal(values, other[key])


@pytest.mark.parametrize("name", WITH_BATCHES_OF_THE_DATA_ALONE)
def test_a_run_on_a_gpu_stopped_anywhere_goes_on_with_the_batches_of_the_cpu(
    name, gpu, tmp_path, monkeypatch
):
    watched = Watched(monkeypatch, name)
    run(name, tmp_path / "cpu", "cpu")
    expected = watched.taken()
    assert len(expected) == 4  # of three updates, and one to see that the last was good
    assert set(watched.threads) == {"MainThread"}
    for stop in (1, 2) if name == "rcnn" else (2,):
        folder = tmp_path / f"stopped-{stop}"
        with pytest.raises(TrainingInterrupted):
            run(name, folder, "cuda", stop_after=stop)
        run(name, folder, "cuda", resume=True)
        assert_same_batches(watched.taken(), expected)
    assert "batch of iteration 1" in watched.threads


@pytest.mark.parametrize("name", ["fast-rcnn", "faster-rcnn"])
def test_a_run_begun_on_a_gpu_goes_on_there_and_on_the_cpu(name, gpu, tmp_path):
    first = RECIPES[name].trainer(SCENES, proposals(), settings_of(name)).network.state_dict()
    weights = run(name, tmp_path / "cpu", "cpu").state_dict()
    expected = read_log(tmp_path / "cpu" / f"{name}.log.jsonl")
    with pytest.raises(TrainingInterrupted):
        run(name, tmp_path / "cuda", "cuda", stop_after=2)
    for then in ("cpu", "cuda"):
        folder = shutil.copytree(tmp_path / "cuda", tmp_path / f"then-{then}")
        found = run(name, folder, then, resume=True).state_dict()
        losses = read_log(folder / f"{name}.log.jsonl")
        for one, other in zip(losses, expected, strict=True):
            assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)
        # to a hundredth of the way that training has brought them
        for part, array in weights.items():
            assert np.linalg.norm(found[part] - array) <= 1e-2 * np.linalg.norm(array - first[part]), part


def test_a_training_in_several_parts_ends_with_one_detector_for_both(gpu, tmp_path):
    options = {"progress": False, "device": "cuda"}
    found = train(SCENES, dataclasses.replace(settings_of("rcnn"), seed=1), tmp_path, **options).detector
    assert isinstance(found.svms.coef_, gpu.ndarray)
    kept, image = np.load(tmp_path / "features" / "fc7.npy"), SCENES.image(0)
    assert len(kept) > 50
    loaded = load_detector(tmp_path / "model.safetensors")
    objects = SCENES.annotations(0).boxes.astype(np.float32)
    _, fc7 = loaded.region_features(loaded.look(image), objects)
    np.testing.assert_allclose(kept[: len(objects)], fc7, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(found.detect(image).labels, loaded.detect(image).labels)


def test_what_goes_wrong_in_the_thread_is_raised_with_its_own_words(gpu, tmp_path, monkeypatch):
    read = Scenes.image

    def fail_later(scenes, index):
        if threading.current_thread() is not threading.main_thread():
            raise OSError(f"photo {index} is gone")
        return read(scenes, index)

    trainer = RECIPES["rcnn"].trainer(SCENES, proposals(), settings_of("rcnn"), device="cuda")
    trainer.photos.max_bytes = 0  # each is read again
    monkeypatch.setattr(Scenes, "image", fail_later)
    with pytest.raises(OSError, match=r"photo \d is gone"):
        trainer.train(LoopSettings(progress=False))
    assert trainer.state.iteration == 1  # the update before was made
    assert_no_batch_is_being_made()


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_leaves_no_thread(presses, gpu, monkeypatch):
    trainer = RECIPES["fast-rcnn"].trainer(SCENES, proposals(), settings_of("fast-rcnn"), device="cuda")
    backward = trainer.network.backward

    def interrupted(*gradients):
        for _ in range(presses):
            signal.raise_signal(signal.SIGINT)
        return backward(*gradients)

    monkeypatch.setattr(trainer.network, "backward", interrupted)
    with pytest.raises(TrainingInterrupted if presses == 1 else KeyboardInterrupt):
        trainer.train(LoopSettings(progress=False))
    assert_no_batch_is_being_made()


def test_detectors_of_the_cpu_are_refused_before_they_are_trained(gpu, tmp_path):
    for name in set(RECIPES) - set(WITH_A_NETWORK):
        with pytest.raises(ValueError, match="runs on the CPU"):
            train(SCENES, RECIPES[name].presets["scenes-quick"], tmp_path / name, device="cuda")
        assert not (tmp_path / name).exists()


def test_no_batch_is_made_ahead_on_the_cpu_or_outside_a_training(gpu):
    for device, last in (("cpu", 9), ("cuda", None)):
        trainer = RECIPES["fast-rcnn"].trainer(SCENES, proposals(), settings_of("fast-rcnn"), device=device)
        if last is None:
            updates(trainer, 1)
        else:
            with trainer.batches.ahead(last, trainer.network.on):
                updates(trainer, 1)
                assert_no_batch_is_being_made()
        assert trainer.batches._next is None


class TestBatches:
    """The order of random numbers, with batches that are random numbers themselves."""

    def make(self, iteration, rng):
        return iteration, threading.current_thread().name, rng.random()

    def numbers(self, ahead, on, steps=4, disturb=()):
        rng = np.random.default_rng(0)
        batches, seen, threads = Batches(rng), [], []
        with batches.ahead(steps if ahead else -1, on):
            for iteration in range(steps):
                number, thread, drawn = batches.take(self.make, iteration)
                assert number == iteration
                seen += [drawn, rng.random()]  # as Dropout draws in the step
                threads.append(thread)
                batches.begin_next(self.make)
                if iteration in disturb:
                    seen.append(rng.random())
        return seen, threads, rng.bit_generator.state

    def test_are_the_same_with_the_thread_and_without(self, gpu):
        alone, together = (self.numbers(ahead, gpu.zeros(1)) for ahead in (False, True))
        assert together[0] == alone[0]
        assert together[2] == alone[2]  # what was made ahead and not taken has left no trace
        assert alone[1] == ["MainThread"] * 4
        assert together[1] == ["MainThread"] + [f"batch of iteration {i}" for i in (1, 2, 3)]

    def test_are_made_again_where_a_number_was_drawn_in_between(self, gpu):
        alone, together = (self.numbers(ahead, gpu.zeros(1), disturb=(1,)) for ahead in (False, True))
        assert together[0] == alone[0]
        assert together[1][2] == "MainThread"

    def test_are_made_when_they_are_wanted_on_the_cpu(self):
        assert self.numbers(True, np.zeros(1))[1] == ["MainThread"] * 4

    def test_of_another_iteration_is_not_taken_for_this_one(self, gpu):
        batches = Batches(np.random.default_rng(0))
        with batches.ahead(9, gpu.zeros(1)):
            batches.take(self.make, 0)
            batches.begin_next(self.make)
            assert batches.take(self.make, 5)[:2] == (5, "MainThread")

    def test_none_is_made_beyond_the_last(self, gpu):
        batches = Batches(np.random.default_rng(0))
        with batches.ahead(3, gpu.zeros(1)):
            batches.take(self.make, 3)
            batches.begin_next(self.make)
            assert batches._next is None

    def test_the_thread_has_ended_when_the_block_has(self, gpu):
        def make(iteration, rng):
            if iteration:
                time.sleep(0.2)
            return iteration

        batches, before = Batches(np.random.default_rng(0)), threading.active_count()
        with batches.ahead(3, gpu.zeros(1)):
            batches.take(make, 0)
            batches.begin_next(make)
            assert threading.active_count() == before + 1
        assert threading.active_count() == before
