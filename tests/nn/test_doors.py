"""What layers, losses and the optimiser refuse: numbers that would pass in silence, and calls out of turn."""

import numpy as np
import pytest

from minircnn.heads import SiblingHeads
from minircnn.nn import (
    SGD,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    MultiStepSchedule,
    Parameter,
    ReLU,
    RoIAlign,
    RoIPool,
    Sequential,
    SpatialPyramidPool,
    StepSchedule,
    gradcheck,
    hinge_loss,
    normal,
    smooth_l1,
)

WRONG_ARGUMENTS = [
    (lambda: Conv2d(3, 4, 3, stride=0), "stride must be a whole number, at least 1, got 0"),
    (lambda: Conv2d(3, 4, 3, padding=-1), "padding must be a whole number, at least 0"),
    (lambda: Conv2d(3, 4, 0), "kernel_size must be"),
    (lambda: Conv2d(3, 4, 3, groups=0), "groups must be"),
    (lambda: Conv2d(3, 0, 3), "out_channels must be"),
    (lambda: Conv2d(3, 4, 2.5), "kernel_size must be"),
    (lambda: Conv2d(3, 4, 3, rng=np.random.default_rng(0), std=np.nan), "std must be"),
    (lambda: Linear(0, 4), "in_features must be"),
    (lambda: Linear(4, -1), "out_features must be"),
    (lambda: MaxPool2d(2, stride=0), "stride must be"),
    (lambda: MaxPool2d(2, padding=-1), "padding must be"),
    (lambda: MaxPool2d(2, padding=2), "need 0 <= padding < kernel_size"),
    (lambda: Dropout(1.0), "dropout rate"),
    (lambda: Dropout(-0.1), "dropout rate"),
    (lambda: Dropout(np.nan), "dropout rate"),
    (lambda: Dropout("0.5"), "dropout rate"),
    (lambda: LocalResponseNorm(size=4), "odd number"),
    (lambda: LocalResponseNorm(size=None), "size must be"),
    (lambda: LocalResponseNorm(alpha=-1.0), "alpha must be"),
    (lambda: LocalResponseNorm(beta=np.nan), "beta must be"),
    (lambda: LocalResponseNorm(k=0.0), "k must be a finite number above 0"),
    (lambda: RoIPool(0, 1 / 16), "output_rows must be"),
    (lambda: RoIPool((2, -1), 1 / 16), "output_columns must be"),
    (lambda: RoIPool((2, 2, 2), 1 / 16), "output_size must be one number or two"),
    (lambda: RoIPool(2.5, 1 / 16), "output_rows must be"),
    (lambda: RoIPool(None, 1 / 16), "output_rows must be"),
    (lambda: RoIAlign(0, 1 / 16), "output_rows must be"),
    (lambda: RoIAlign(2, np.inf), "spatial_scale must be"),
    (lambda: RoIPool(2, np.nan), "spatial_scale must be"),
    (lambda: RoIPool(2, 0.0), "spatial_scale must be"),
    (lambda: RoIPool(2, np.inf), "spatial_scale must be"),
    (lambda: SpatialPyramidPool((), 1 / 16), "levels must be one value or more"),
    (lambda: SpatialPyramidPool((1, 0), 1 / 16), "levels must be at least 1"),
    (lambda: SpatialPyramidPool(3, 1 / 16), "levels must be one value or more"),
    (lambda: SpatialPyramidPool((1,), -1.0), "spatial_scale must be"),
    (lambda: Parameter(np.ones(1), lr_multiplier=np.nan), "lr_multiplier must be"),
    (lambda: Parameter(np.ones(1), decay_multiplier=-1), "decay_multiplier must be"),
    (lambda: SGD([], lr=np.nan), "lr must be"),
    (lambda: SGD([], lr=-0.1), "lr must be"),
    (lambda: SGD([], lr=0.1, momentum=1.0), "momentum must be below 1"),
    (lambda: SGD([], lr=0.1, momentum=np.nan), "momentum must be"),
    (lambda: SGD([], lr=0.1, weight_decay=-1e-3), "weight_decay must be"),
    (lambda: StepSchedule(np.inf, 0.1, 10), "lr must be"),
    (lambda: StepSchedule(0.1, -0.1, 10), "gamma must be"),
    (lambda: StepSchedule(0.1, 0.1, 0), "step must be"),
    (lambda: MultiStepSchedule(0.1, np.nan, (3,)), "gamma must be"),
    (lambda: MultiStepSchedule(0.1, 0.1, (-3,)), "milestones must be at least 0"),
    (lambda: MultiStepSchedule(0.1, 0.1, 3), "milestones must be"),
    (lambda: SiblingHeads(0, 3), "feature_dim must be"),
    (lambda: SiblingHeads(4, None), "num_classes must be"),
    (lambda: normal(np.random.default_rng(0), (2,), -1.0), "std must be"),
    (lambda: gradcheck(ReLU(), np.ones(2), rng=np.random.default_rng(0), max_elements=0), "max_elements"),
    (lambda: gradcheck(ReLU(), np.ones(2), rng=np.random.default_rng(0), tolerance=np.nan), "tolerance"),
]


@pytest.mark.parametrize(("make", "words"), WRONG_ARGUMENTS)
def test_an_impossible_argument_is_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Conv2d(3, 2, 3), (1, 2, 5, 5)),
        (Conv2d(3, 2, 3), (3, 5, 5)),
        (Conv2d(3, 2, 3), (1, 3, 0, 5)),
        (Linear(3, 2), (2, 4)),
        (Linear(3, 2), (3,)),
        (MaxPool2d(2), (3, 4, 4)),
        (LocalResponseNorm(), (1, 0, 2, 2)),
        (GlobalAveragePool(), (1, 2, 0, 3)),  # the mean of nothing is NaN
    ],
)
def test_an_input_of_another_shape_is_refused(layer, shape):
    with pytest.raises(ValueError, match="expected x of shape"):
        layer(np.ones(shape, np.float32))


@pytest.mark.parametrize("layer", [Conv2d(1, 1, 5), MaxPool2d(5)])
def test_a_window_larger_than_the_map_is_refused(layer):
    with pytest.raises(ValueError, match=r"5×5 window|window of 5"):
        layer(np.ones((1, 1, 4, 4), np.float32))


MAPS = (1, 2, 6, 6)
LAYERS = {
    "ReLU": (lambda: ReLU(), MAPS),
    "Conv2d": (lambda: Conv2d(2, 2, 3), MAPS),
    "Linear": (lambda: Linear(3, 2), (4, 3)),
    "MaxPool2d": (lambda: MaxPool2d(2), MAPS),
    "LocalResponseNorm": (lambda: LocalResponseNorm(), MAPS),
}


@pytest.mark.parametrize("name", LAYERS)
def test_backward_after_evaluation_is_refused_in_words(name):
    make, shape = LAYERS[name]
    layer = make()
    layer.eval()
    y = layer(np.ones(shape, np.float32))
    with pytest.raises(RuntimeError, match=f"{name}: backward without a forward in training mode"):
        layer.backward(y)


@pytest.mark.parametrize("pool", [RoIPool(2, 1.0), RoIAlign(2, 1.0), SpatialPyramidPool((1, 2), 1.0)])
def test_backward_of_regions_after_evaluation_is_refused_in_words(pool):
    pool.eval()
    y = pool(np.ones(MAPS, np.float32), np.array([[0.0, 0, 4, 4]]), np.array([0]))
    with pytest.raises(RuntimeError, match="backward without a forward in training mode"):
        pool.backward(y)


@pytest.mark.parametrize(
    "layer",
    [
        Flatten(),
        GlobalAveragePool(),
        Concat(a=Conv2d(2, 1, 1), b=ReLU()),
        Sequential(a=Conv2d(2, 2, 1), b=ReLU()),
    ],
)
def test_backward_before_any_forward_is_refused_in_words(layer):
    with pytest.raises(RuntimeError, match="backward without a forward in training mode"):
        layer.backward(np.ones((1, 2), np.float32))


@pytest.mark.parametrize("pool", [RoIPool(2, 0.5), RoIAlign(2, 0.5), SpatialPyramidPool((1, 2), 0.5)])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rois": np.array([[0, 0, 9, 9], [0, 0, np.nan, 9]])}, "region 1 is .*not finite"),
        ({"rois": np.array([[0, 0, np.inf, 9], [0, 0, 9, 9]])}, "region 0 is .*not finite"),
        ({"rois": np.array([[0, 0, 1e30, 9], [0, 0, 9, 9]])}, "region 0 is .*beyond 2147483648"),
        ({"rois": np.zeros((2, 5))}, r"expected rois \(R, 4\)"),
        ({"image_index": np.array([0, 1])}, r"image_index must lie in 0\.\.0"),
        ({"image_index": np.array([0, -1])}, r"image_index must lie in 0\.\.0"),
        ({"image_index": np.array([0.0, 0.5])}, "image_index must be whole numbers"),
        ({"image_index": np.array([0])}, r"image_index \(R,\)"),
        ({"features": np.ones((2, 6, 6), np.float32)}, "expected x of shape"),
        ({"features": np.ones((1, 2, 0, 6), np.float32)}, "expected x of shape"),
    ],
)
def test_pooling_never_leaves_the_maps(pool, change, words):
    arguments = {
        "features": np.ones(MAPS, np.float32),
        "rois": np.array([[0.0, 0, 9, 9], [0, 0, 9, 9]]),
        "image_index": np.array([0, 0]),
        **change,
    }
    with pytest.raises(ValueError, match=words):
        pool(**arguments)


def test_a_seed_is_no_generator():
    for make in (
        lambda: Linear(3, 4, rng=0),
        lambda: Conv2d(3, 4, 3, rng=1),
        lambda: SiblingHeads(3, 4, rng=2),
    ):
        with pytest.raises(TypeError, match=r"rng must be numpy.random.default_rng\(seed\), got [012]"):
            make()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [complex, object, str])
def test_layers_and_losses_take_real_numbers(kind):
    maps, rows = np.ones((1, 3, 4, 4)).astype(kind), np.ones((2, 3)).astype(kind)
    rois, photo = np.array([[0, 0, 4, 4.0]]), np.array([0])
    calls = [
        lambda layer=layer: layer(maps) for layer in (Conv2d(3, 2, 3), MaxPool2d(2), LocalResponseNorm())
    ]
    calls += [lambda: Linear(3, 2)(rows), lambda: RoIPool(2, 1.0)(maps, rois, photo)]
    calls += [lambda: RoIPool(2, 1.0)(np.ones((1, 3, 4, 4)), rois.astype(kind), photo)]
    calls += [lambda: smooth_l1(np.ones((2, 3)), rows), lambda: hinge_loss(np.ones((2, 3)), rows)]
    for call in calls:
        with pytest.raises(ValueError, match=r"(x|rois|target|signs) must be real numbers, got dtype"):
            call()


@pytest.mark.parametrize("thing", [None, [[1.0, 2, 3]], "x"])
def test_what_is_no_array_is_named(thing):
    for layer in (Conv2d(3, 2, 3), MaxPool2d(2), Linear(3, 2)):
        with pytest.raises(TypeError, match="x must be an array"):
            layer(thing)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("layer", [RoIPool(2, 0.5), RoIAlign(2, 0.5), SpatialPyramidPool((1, 2), 0.5)])
def test_regions_come_in_half_precision_too(layer, rng):
    maps, rois = rng.normal(size=(1, 3, 9, 9)), np.array([[0, 0, 12, 9], [2, 3, 17, 18.0]])
    layer.eval()
    photos = np.zeros(2, int)
    np.testing.assert_array_equal(layer(maps, rois.astype(np.float16), photos), layer(maps, rois, photos))
