"""Every detector with its network on a GPU finds what it finds on the CPU, and decides on the host."""

import contextlib
import copy

import numpy as np
import pytest
import small_detectors
from counting import counted

from minircnn import load_detector
from minircnn.arrays import to_host
from minircnn.boxes import NMS_RULES
from minircnn.data import Scenes
from minircnn.detectors import DETECTORS, PostprocessSettings, save_detector
from minircnn.detectors.running import run_detector
from minircnn.imaging import gather_regions, warp_regions, with_border
from minircnn.proposals import SlidingWindow
from minircnn.training import RECIPES

SCENES = Scenes("test", count=2, size=112, heights=(24, 56))
WINDOWS = SlidingWindow(sizes=(32, 60), relative_stride=0.5)
NAMES = sorted(DETECTORS)
ON_GPU = [name for name in NAMES if DETECTORS[name].on_gpu]


def make(name, classes="abc", **fields):
    """Return a small detector of this kind; a kind without one in small_detectors fails here."""
    proposer = None if DETECTORS[name].proposes else WINDOWS
    return getattr(small_detectors, name.replace("-", "_"))(tuple(classes), proposer, **fields)


def moved(detector, gpu):
    """Return a copy of the detector, on the GPU."""
    other = copy.deepcopy(detector)
    other.to(gpu)
    return other


def assert_alike(found, expected):
    assert len(expected) > 0
    assert type(found.boxes) is type(found.scores) is type(found.labels) is np.ndarray
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-3)
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-3, atol=1e-5)


def boxes_in(height, width, count):
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 0.7, (count, 2)) * (width, height)
    size = rng.uniform(0.05, 0.3, (count, 2)) * (width, height)
    return np.concatenate([corner, corner + size], axis=1).astype(np.float32)


def test_the_detectors_with_a_network_run_on_a_gpu_and_no_others():
    for name in NAMES:
        assert DETECTORS[name].on_gpu == (RECIPES[name].trainer is not None)
    assert {"rcnn", "sppnet", "fast-rcnn", "faster-rcnn"} <= set(ON_GPU)


@pytest.mark.parametrize("name", ON_GPU)
def test_detections_are_those_of_the_cpu(name, gpu):
    host = make(name)
    detector, image = moved(host, gpu), SCENES.image(0)
    assert_alike(detector.detect(image), host.detect(image))
    given = boxes_in(*image.shape[:2], 30)
    detector.batch = 7
    assert_alike(detector.detect(image, proposals=given), host.detect(image, proposals=given))


@pytest.mark.parametrize("rule", sorted(NMS_RULES))
@pytest.mark.parametrize("vote_iou", [None, 0.5])
def test_every_way_to_decide_gives_what_it_gives_on_the_cpu(rule, vote_iou, gpu):
    host = make("fast-rcnn", postprocess=PostprocessSettings(min_score=0.01, nms=rule, vote_iou=vote_iou))
    image = SCENES.image(1)
    assert_alike(moved(host, gpu).detect(image), host.detect(image))


def test_a_faster_rcnn_proposes_what_it_proposes_on_the_cpu(gpu):
    host = make("faster-rcnn")
    detector, image = moved(host, gpu), SCENES.image(0)
    with counted() as work:
        boxes = detector.propose(detector.look(image))
    work.check(waits=2)  # for what the network says of each anchor
    assert type(boxes) is np.ndarray
    np.testing.assert_allclose(boxes, host.propose(host.look(image)), atol=1e-3)


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(ON_GPU)))
def test_detectors_of_the_cpu_say_so(name, gpu, tmp_path):
    detector = make(name)
    with pytest.raises(ValueError, match="runs on the CPU"):
        detector.to(gpu)
    with pytest.raises(ValueError, match="runs on the CPU"):
        detector.require_device("cuda")
    save_detector(tmp_path / "model.safetensors", detector)
    with pytest.raises(ValueError, match="runs on the CPU"):
        load_detector(tmp_path / "model.safetensors", device="cuda")
    detector.require_device("cpu")


def last_step_of_the_network(detector):
    """Return the object and the name of its method that is the last to compute on the GPU."""
    if hasattr(detector, "regressors"):
        return detector.regressors, "offsets"
    return detector.network.outputs, "forward"


@pytest.mark.parametrize("name", ON_GPU)
def test_decisions_about_2000_regions_of_20_classes_are_made_on_the_host(name, gpu, monkeypatch):
    detector = moved(make(name, [f"class {i}" for i in range(20)], batch=2000), gpu)
    image, count = SCENES.image(0), 100 if name == "rcnn" else 2000  # for R-CNN's sake, which warps each
    part, method = last_step_of_the_network(detector)
    compute, works = getattr(part, method), []

    def count_from_here(*inputs):
        result = compute(*inputs)
        works.append(stack.enter_context(counted()))
        return result

    with contextlib.ExitStack() as stack:
        monkeypatch.setattr(part, method, count_from_here)
        whole = stack.enter_context(counted())
        assert len(detector.detect(image, proposals=boxes_in(*image.shape[:2], count))) == 100
    (work,) = works
    work.check(launches=0, waits=2)
    whole.check(waits=2)  # and there is no other wait in all of a detection
    assert work.downloads in (2, None)  # scores, and offsets
    assert work.uploads in (0, None)


def test_the_photo_goes_up_once(gpu):
    detector, image = moved(make("rcnn", batch=10), gpu), SCENES.image(0)
    with counted(waits=0) as looking:
        view = detector.look(image)
    assert looking.uploads in (1, None)
    looking.check(launches=0, waits=0)
    with counted(waits=0) as warping:
        detector.warp(view.pixels, WINDOWS.propose(image)[:10])
    assert warping.uploads in (3, None)  # where to gather: columns, lines, weights
    warping.check(launches=10, waits=0)


@pytest.mark.parametrize("mode", ["warp", "square_with_context", "square_without_context", "unscaled"])
def test_gathered_crops_are_the_warped_ones(mode, gpu, rng):
    image = rng.integers(0, 256, (40, 61, 3)).astype(np.float32)
    boxes = np.array([[0, 0, 61, 40], [3, 5, 9, 30], [50, 0, 61, 3], [-9, -4, 20, 50], [30, 30, 30.4, 31]])
    boxes = np.concatenate([boxes, boxes_in(40, 61, 20)]).astype(np.float32)
    expected = warp_regions(image, boxes, 19, context=3, mode=mode)
    for library in (np, gpu):
        photo = library.asarray(with_border(image))
        crops = gather_regions(photo, boxes, 19, context=3, mode=mode)
        assert isinstance(crops, library.ndarray)
        np.testing.assert_allclose(to_host(crops), expected, rtol=1e-5, atol=1e-4)
    assert (expected == 0).any()  # some show what lies beside the photo


@pytest.mark.parametrize("name", ON_GPU)
def test_a_detector_is_loaded_onto_the_gpu(name, gpu, tmp_path):
    host, path = make(name), tmp_path / "model.safetensors"
    save_detector(path, moved(host, gpu))  # from there a file is the same
    detector = load_detector(path, device="cuda")
    assert isinstance(detector.network.on, gpu.ndarray)
    image = SCENES.image(0)
    assert_alike(detector.detect(image), load_detector(path).detect(image))
    for array, expected in zip(detector.state()[1].values(), host.state()[1].values(), strict=True):
        np.testing.assert_array_equal(array, expected)


def test_a_compressed_detector_is_loaded_onto_the_gpu(gpu, tmp_path):
    path, image = tmp_path / "model.safetensors", SCENES.image(0)
    save_detector(path, make("fast-rcnn"))
    ranks = {"fc6": 8}
    found = load_detector(path, device="cuda", svd=ranks).detect(image)
    assert_alike(found, load_detector(path, svd=ranks).detect(image))


def test_a_device_that_cannot_be_used_is_refused_before_a_file_is_read(tmp_path, monkeypatch):
    def refuse(device):
        raise RuntimeError(f"device {device!r}: none here")

    monkeypatch.setattr("minircnn.detectors.storage.device_namespace", refuse)
    with pytest.raises(RuntimeError, match="device 'cuda': none here"):
        load_detector(tmp_path / "missing.safetensors", "cuda")


def test_a_whole_data_set_is_detected_on_the_gpu(gpu):
    host = make("fast-rcnn")
    proposals = [WINDOWS.propose(SCENES.image(i)) for i in range(len(SCENES))]
    found = run_detector(moved(host, gpu), SCENES, proposals, progress=False)
    expected = run_detector(host, SCENES, proposals, progress=False)
    for one, other in zip(found.detections, expected.detections, strict=True):
        assert_alike(one, other)
