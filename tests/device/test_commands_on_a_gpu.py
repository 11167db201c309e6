"""The commands with ``--device cuda`` do their work there, and find what they find on the CPU."""

import json
from pathlib import Path

import numpy as np
import pytest
import small_detectors
from counting import counted
from trained_detectors import SCENES, settings_of

from minircnn.cli import main
from minircnn.cli.demo.contest import train_or_reuse
from minircnn.cli.explain.steps import follow, steps_of
from minircnn.data import Scenes, export_voc
from minircnn.detectors import DETECTORS, save_detector
from minircnn.imaging import write_image
from minircnn.proposals import SlidingWindow

FEW = ["--preset", "scenes", "--proposals.method", "sliding-window", "--jobs", "1"]
FEW += ["--proposals.limit", "30", "--solver.iterations", "2"]


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A folder with a photo and a data set of two, in which the commands run."""
    monkeypatch.chdir(tmp_path)
    scenes = Scenes("train", count=2, size=96, heights=(20, 48))
    export_voc(scenes, tmp_path / "voc", "train")
    write_image(tmp_path / "photo.png", scenes.image(0))
    return tmp_path


def run(capsys, *words, device="cuda"):
    """Run a command, which does its work on `device`; return its result and what it said."""
    with counted() as asked:
        assert main([*words, "--device", device, "--json"]) == 0
    assert asked.launches is None or (asked.launches > 0) == (device == "cuda")
    output = capsys.readouterr()
    return json.loads(output.out), output.err


def train_on(device, capsys):
    """Train for two updates in the folder of the device's name; return the losses."""
    words = ["train", "fast-rcnn", "voc", *FEW, "--out", device]
    _, said = run(capsys, *words, device=device)
    assert ("--device cuda" in said.partition("next:")[2]) == (device == "cuda")
    lines = Path(device, "fast-rcnn.log.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def detect_on(device, capsys):
    """Return the classes and the boxes that the detector trained on the GPU finds, run on `device`."""
    words = ["detect", "cuda", "photo.png", "--out", f"found-{device}", "--min-score", "0"]
    [record], _ = run(capsys, *words, device=device)
    found = record["detections"]
    return [one["class"] for one in found], np.array([one["box"] for one in found])


def evaluate_on(device, capsys):
    """Return the mAP of the detector trained on the GPU, run on `device`."""
    return run(capsys, "evaluate", "cuda", "voc", "--split", "train", "--jobs", "1", device=device)[0]["map"]


@pytest.mark.usefixtures("work")
def test_a_detector_is_trained_measured_and_explained_on_a_gpu(gpu, capsys):
    losses = [train_on(device, capsys) for device in ("cuda", "cpu")]
    assert len(losses[0]) == 2
    np.testing.assert_allclose(*losses, rtol=1e-5)
    (classes, boxes), (expected, of_cpu) = (detect_on(device, capsys) for device in ("cuda", "cpu"))
    assert len(boxes) > 3
    assert classes == expected
    np.testing.assert_allclose(boxes, of_cpu, atol=1e-2)
    assert evaluate_on("cuda", capsys) == pytest.approx(evaluate_on("cpu", capsys))
    steps, _ = run(capsys, "explain", "cuda", "photo.png", "--out", "why")
    assert len(steps["stages"]) > 5
    assert Path("why", "explained.html").is_file()


@pytest.mark.parametrize("name", [name for name in sorted(DETECTORS) if DETECTORS[name].on_gpu])
def test_every_step_of_a_detector_on_a_gpu_is_that_on_the_cpu(name, gpu):
    windows = None if DETECTORS[name].proposes else SlidingWindow(sizes=(32, 60), relative_stride=0.5)
    detector = getattr(small_detectors, name.replace("-", "_"))(("a", "b"), windows)
    explained = []
    for library in (np, gpu):
        detector.to(library)
        explained.append(steps_of(follow(detector, SCENES.image(0), "photo")))
    facts = [[(step.key, step.fact) for step in steps] for steps in explained]
    assert len(facts[0]) > 5
    assert facts[1] == facts[0]


@pytest.mark.usefixtures("work")
def test_a_profile_waits_for_the_gpu_at_both_ends_of_a_stage(gpu, capsys):
    windows = SlidingWindow(sizes=(32, 60), relative_stride=0.5)
    save_detector("small.safetensors", small_detectors.fast_rcnn(("a", "b"), windows))
    words = ["detect", "small.safetensors", "photo.png", "--out", "found"]
    waits = []
    for options in ([], ["--profile", "--overwrite"]):
        with counted() as asked:
            result, _ = run(capsys, *words, *options)
        waits.append(asked.waits)
    stages = _number_of_calls(result["profile"])
    assert stages > 10
    assert None in waits or waits[1] - waits[0] == 2 * stages


def _number_of_calls(stage):
    return stage["calls"] + sum(map(_number_of_calls, stage["stages"]))


def test_the_demonstration_trains_on_the_cpu_what_runs_there_alone(gpu, tmp_path):
    trained = train_or_reuse(
        SCENES,
        settings_of("hog-svm"),
        tmp_path / "run",
        proposals=tmp_path / "proposals",
        resume=False,
        device="cuda",
        jobs=1,
    )
    assert trained.detector.name == "hog-svm"
