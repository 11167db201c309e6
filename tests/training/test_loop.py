"""The training loop: checkpoints by time and by count, signals, and weights that are no numbers."""

import signal

import numpy as np
import pytest

from minircnn.detectors.storage import read_bundle
from minircnn.nn import Linear, Sequential
from minircnn.training import (
    LoopSettings,
    NotFiniteError,
    SolverSettings,
    TrainingInterrupted,
    read_log,
    save_checkpoint,
    train_loop,
)
from minircnn.training import loop as loop_module
from minircnn.training.checkpoint import CheckpointClock, start_training


def training(iterations=10, learning_rate=0.1, step=None, **loop):
    """Train y = W x towards 1; return the state, also where the loop raises."""
    solver = SolverSettings(iterations=iterations, learning_rate=learning_rate)
    network = Sequential(fc=Linear(2, 1, rng=np.random.default_rng(0)))
    state = start_training(network, solver, np.random.default_rng(1), "cpu")

    def gradients(iteration):
        x = state.rng.random((3, 2), dtype=np.float32)
        error = network(x) - 1
        network.backward(2 * error)
        return {"loss": float((error**2).sum())}

    def run(step=step or gradients):
        train_loop(step, state, solver=solver, loop=LoopSettings(progress=False, **loop), settings={})

    return state, gradients, run


@pytest.fixture
def written(monkeypatch):
    """The iterations at which a checkpoint was written."""
    iterations = []

    def save(path, state, settings):
        iterations.append(state.iteration)
        save_checkpoint(path, state, settings)

    monkeypatch.setattr(loop_module, "save_checkpoint", save)
    return iterations


def test_checkpoints_are_written_by_count(tmp_path, written):
    *_, run = training(folder=tmp_path, checkpoint_every=4)
    run()
    assert written == [4, 8, 10]


def test_checkpoints_are_written_by_time_where_updates_are_slow(tmp_path, written):
    now = [0.0]
    _, gradients, run = training(folder=tmp_path, checkpoint_every=200, clock=lambda: now[0])

    def slow(iteration):
        now[0] += 25
        return gradients(iteration)

    run(slow)
    assert written == [3, 6, 9, 10]  # a minute or more after the last one


@pytest.mark.parametrize(("cost", "wait"), [(0, 60), (1, 60), (10, 90), (20, 100), (60, 60), (1000, 60)])
def test_what_is_slow_to_write_is_written_less_often_but_within_two_minutes(cost, wait):
    now = [0.0]
    clock = CheckpointClock(60, lambda: now[0])
    with clock.now():
        now[0] += cost
    now[0] += wait - 1
    assert not clock.due()
    now[0] += 1
    assert clock.due()


@pytest.mark.parametrize(
    "settings", [{"checkpoint_every": 0}, {"checkpoint_every": float("nan")}, {"checkpoint_seconds": -1.0}]
)
def test_settings_without_sense_are_refused(settings):
    with pytest.raises(ValueError, match=f"{next(iter(settings))}.* must be"):
        LoopSettings(**settings)


@pytest.mark.parametrize("name", [n for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)])
@pytest.mark.parametrize("last", [False, True])
def test_a_signal_ends_the_loop_after_the_update_at_hand_with_a_checkpoint(name, last, tmp_path):
    number = 10 if last else 4
    straight, _, run = training()
    run()
    _, gradients, run = training(folder=tmp_path)

    def signalled(iteration):
        if iteration == number - 1:
            signal.raise_signal(getattr(signal, name))
        return gradients(iteration)

    former = signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        with pytest.raises(TrainingInterrupted, match=f"iteration {number} of 10; continue with --resume"):
            run(signalled)
    finally:
        signal.signal(getattr(signal, name), former)
    assert len(read_log(tmp_path / "train.log.jsonl")) == number
    resumed, _, run = training(folder=tmp_path, resume=True)
    run()
    for weight, other in zip(
        straight.network.state_dict().values(), resumed.network.state_dict().values(), strict=True
    ):
        assert weight.tobytes() == other.tobytes()


def test_the_look_at_the_loss_after_the_last_update_changes_nothing():
    state, gradients, run = training()
    run()
    other, gradients, _ = training()
    for iteration in range(10):
        other.network.zero_grad()
        gradients(iteration)
        other.optimizer.step()
    assert state.rng.bit_generator.state == other.rng.bit_generator.state
    for weight, twin in zip(
        state.network.state_dict().values(), other.network.state_dict().values(), strict=True
    ):
        assert weight.tobytes() == twin.tobytes()


@pytest.mark.parametrize("folder", [True, False])
def test_a_last_update_that_ruins_the_loss_is_an_error(folder, tmp_path):
    _, gradients, run = training(1, folder=tmp_path if folder else None)
    with pytest.raises(NotFiniteError, match="the loss is inf at iteration 1: lower the learning rate"):
        run(lambda iteration: gradients(iteration) if iteration < 1 else {"loss": float("inf")})
    assert not list(tmp_path.glob("*.safetensors"))


@pytest.mark.parametrize("folder", [True, False])
def test_weights_that_are_no_numbers_are_never_written_over_a_good_checkpoint(folder, tmp_path):
    loop = {"folder": tmp_path if folder else None, "checkpoint_every": 2}
    state, gradients, run = training(4, **loop)

    def spoiled(iteration):
        losses = gradients(iteration)
        if iteration == 3:
            state.network.fc.weight.data[0, 0] = np.nan
        return losses if iteration < 4 else {"loss": 1.0}

    with pytest.raises(NotFiniteError, match=r"fc\.weight.*not finite.*lower learning rate"):
        run(spoiled)
    if folder:
        arrays, meta = read_bundle(tmp_path / "train.checkpoint.safetensors")
        assert meta["iteration"] == 2
        assert all(np.isfinite(array).all() for array in arrays.values())
