"""Seconds of all stages as an experiment, and the multiply-adds counted beside them."""

from functools import partial

import numpy as np
import pytest

from minircnn.backbones import build_backbone
from minircnn.experiments import EXPERIMENTS, Bench
from minircnn.experiments.across.operations import multiply_adds, of_detection
from minircnn.experiments.across.random_detectors import (
    fast_rcnn,
    faster_rcnn,
    rcnn,
    sppnet,
    thinned,
)
from minircnn.experiments.across.timing import photo
from minircnn.heads import truncated_svd
from minircnn.nn import Conv2d, Linear, MaxPool2d, ReLU, Scale, Sequential

FC = 25088 * 4096 + 4096 * 4096  # fc6 and fc7 of VGG16
VGG_CROP = 15_346_630_656  # convolutions of 224 × 224 pixels


@pytest.fixture(scope="module")
def table(quick_run):
    return quick_run("timing")


@pytest.fixture(scope="module")
def rng():
    return np.random.default_rng(0)


def means(result):
    return {row["name"]: {n: v["mean"] for n, v in row["values"].items()} for row in result["rows"]}


def test_layers_are_counted_as_by_hand():
    layers = Sequential(
        conv=Conv2d(3, 8, 3, padding=1),  # 6 × 10 places, 8 filters of 3 · 3 · 3
        relu=ReLU(),
        pool=MaxPool2d(2),
        grouped=Conv2d(8, 4, 3, groups=2),  # 1 × 3 places, 4 filters of 3 · 3 · 4
    )
    assert multiply_adds(layers, (3, 6, 10)) == (6 * 10 * 8 * 27 + 1 * 3 * 4 * 36, (4, 1, 3))
    assert multiply_adds(Linear(7, 5), (7,)) == (35, (5,))
    assert multiply_adds(Scale(2.0), (7,)) == (0, (7,))


class Weighted(ReLU):
    """A layer that nobody counts."""

    def __init__(self):
        self.inner = Linear(2, 2)


def test_layers_whose_products_are_unknown_are_refused():
    with pytest.raises(ValueError, match="the products of a Weighted cannot be counted"):
        multiply_adds(Weighted(), (2,))


def test_networks_take_what_is_known_of_them():
    alexnet = build_backbone("alexnet", widths=(8,))
    conv1, conv2 = 55**2 * 96 * 3 * 121, 27**2 * 256 * 48 * 25
    conv3, conv4, conv5 = 13**2 * 384 * 256 * 9, 13**2 * 384 * 192 * 9, 13**2 * 256 * 192 * 9
    expected = conv1 + conv2 + conv3 + conv4 + conv5
    assert multiply_adds(alexnet.features, (3, 227, 227)) == (expected, (256, 13, 13))
    vgg16 = build_backbone("vgg16", widths=(8,))
    assert multiply_adds(vgg16.features, (3, 224, 224)) == (VGG_CROP, (512, 14, 14))


def test_the_ratio_of_products_is_about_eighty(rng):
    slow = of_detection(rcnn(build_backbone("vgg16"), 600, rng), photo(), 2000)
    fast = of_detection(fast_rcnn(build_backbone("vgg16"), 600, rng), photo(), 2000)
    assert slow == 2000 * (VGG_CROP + FC + 20 * 4096 + 80 * 25088)
    # 600 × 800 pixels are 9.57 crops; where a map of 75 is halved, 38 is a little more than half
    assert fast == pytest.approx(VGG_CROP * 600 * 800 / 224**2 + 2000 * (FC + 105 * 4096), rel=0.005)
    assert slow / fast == pytest.approx(80, abs=1)


def test_what_comes_with_more_scales_or_a_proposal_network_is_added(rng):
    image, small = photo()[:96, :128], {"widths": (6, 5)}
    one, two = (
        of_detection(sppnet(build_backbone("alexnet", **small), 600, rng, scales=scales), image, 10)
        for scales in ((300,), (300, 300))
    )
    region = 10 * (50 * 256 * 6 + 6 * 5 + 20 * 5 + 80 * 50 * 256)
    assert two - region == 2 * (one - region)
    fast = fast_rcnn(build_backbone("alexnet", **small), 100, rng)
    faster = faster_rcnn(build_backbone("alexnet", **small), 100, rng)
    _, _, height, width = fast.look(image).map.shape
    more = height * width * (256 * 512 * 9 + 512 * 9 * 6)
    assert of_detection(faster, image, 10) == of_detection(fast, image, 10) + more


def test_detectors_without_a_network_are_refused(quick_bench):
    hog = quick_bench.trained(quick_bench.settings("hog-svm"))
    with pytest.raises(TypeError, match="the products of HOG"):
        of_detection(hog, photo(), 1)


def test_thin_layers_have_the_shapes_that_truncation_leaves(rng):
    layer = Linear(12, 16, rng=rng)
    drawn, truncated = thinned(layer, 1024, rng), truncated_svd(layer, 3)
    assert {n: p.data.shape for n, p in drawn.named_parameters()} == {
        n: p.data.shape for n, p in truncated.named_parameters()
    }


@pytest.mark.parametrize("make", [rcnn, sppnet, fast_rcnn, partial(fast_rcnn, thin=True)])
def test_random_weights_leave_suppression_its_work(make, rng):
    detector = make(build_backbone("alexnet", rng=rng, widths=(16, 16)), 120, rng)
    boxes = np.array([[x, y, x + 60, y + 40] for x in range(0, 400, 80) for y in range(0, 300, 60)], float)
    scores, places = detector.judge_in_batches(detector.look(photo()), boxes)
    assert np.isfinite(scores).all()
    assert len(np.unique(places.reshape(-1, 4).round(1), axis=0)) > 100  # of 25 regions and 20 classes
    assert len(detector.detect(photo(), proposals=boxes)) == 100


def test_random_weights_propose_as_many_regions_as_the_paper(rng):
    detector = faster_rcnn(build_backbone("alexnet", rng=rng, widths=(16, 16)), 600, rng)
    assert len(detector.propose(detector.look(photo()))) == 300
    assert len(detector.detect(photo())) == 100


def test_stages_make_up_the_time(table):
    for name, values in means(table[1]).items():
        parts = sum(values[part] for part in ("input", "convolutions", "pooling", "head", "selection"))
        own = values["proposals"] if name.startswith("faster") else 0.0
        assert 0.5 * values["seconds"] < parts + own <= values["seconds"], name
        assert values["whole"] == pytest.approx(values["seconds"] + values["proposals"] - own)
        assert min(values.values()) > 0


def test_counts_are_results_and_seconds_are_not(table):
    result, times = table
    assert [column["name"] for column in result["columns"]] == ["products", "regions"]
    assert "seconds" in means(times)["rcnn-alexnet"]
    (ratio,) = [effect for effect in result["effects"] if effect["of"] == "rcnn-alexnet"]
    found = means(result)
    assert ratio["mean"] == found["rcnn-alexnet"]["products"] / found["fast-rcnn-alexnet"]["products"]
    assert ratio["verdict"] == "more"
    assert found["rcnn-alexnet"]["regions"] == 16


def test_the_default_form_has_both_networks_and_the_published_seconds(quick_bench):
    bench = Bench(quick_bench.train, quick_bench.test, quick_bench.folder)
    rows = {row.name: row for row in EXPERIMENTS["timing"].rows(bench)}
    assert len(rows) == 12
    assert {end for e in EXPERIMENTS["timing"].effects for end in (e.of, e.than)} <= set(rows)
    ratio = rows["rcnn-vgg16"].published["seconds"] / rows["fast-rcnn-vgg16"].published["seconds"]
    assert ratio == pytest.approx(146, abs=1)
