"""A strided convolution of few channels as one of stride 1 over cells."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from minircnn import textbook
from minircnn.kernels.convolution import folded, im2col
from minircnn.kernels.convolution.choice import choose_algorithm
from minircnn.kernels.convolution.geometry import ConvGeometry
from minircnn.nn import Conv2d


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([(11, 4), (9, 4), (5, 2), (6, 2), (7, 3), (9, 2)]),
    st.integers(0, 3),
    st.tuples(st.integers(1, 3), st.integers(11, 24), st.integers(11, 24)),
    st.integers(1, 3),
    st.booleans(),
)
@example((11, 4), 0, (1, 11, 11), 3, False)  # one window
@example((11, 4), 2, (1, 14, 21), 3, True)  # columns that no window reaches
def test_equals_the_textbook(window, padding, shape, channels, rectify):
    k, stride = window
    rng = np.random.default_rng(0)
    x = rng.standard_normal((*shape, channels))
    weight, bias = rng.standard_normal((5, k, k, channels)), rng.standard_normal(5)
    geometry = ConvGeometry(k, stride, padding, 1)
    kept = folded.prepare_filters(weight, geometry, keep=True)
    y = folded.convolve(x, kept, bias, geometry, rectify=rectify)
    expected = textbook.conv2d(
        x.transpose(0, 3, 1, 2), weight.transpose(0, 3, 1, 2), bias, stride=stride, padding=padding
    ).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(y, np.maximum(expected, 0) if rectify else expected, atol=1e-11)


def test_alexnets_first_layer_is_folded_where_its_filters_are_kept(rng):
    x = np.empty((4, 227, 227, 3), dtype=np.float32)
    weight = np.empty((96, 11, 11, 3), dtype=np.float32)
    geometry = ConvGeometry(11, 4, 0, 1)
    assert choose_algorithm(x, weight, geometry, filters_kept=True) is folded
    assert choose_algorithm(x, weight, geometry) is im2col  # in training the gradient wants the pixels


@pytest.mark.parametrize(
    ("k", "stride", "groups"),
    [(7, 2, 1), (3, 2, 1), (11, 4, 3), (1, 2, 1)],  # four cells; as many pixels again; groups; no window
)
def test_other_strides_are_unrolled(k, stride, groups):
    x = np.empty((4, 227, 227, 3), dtype=np.float32)
    weight = np.empty((96, k, k, 3 // groups), dtype=np.float32)
    assert choose_algorithm(x, weight, ConvGeometry(k, stride, 0, groups), filters_kept=True) is im2col


def test_a_layer_gives_in_evaluation_what_it_gives_in_training(rng):
    layer = Conv2d(3, 32, 11, stride=4, padding=2, rng=rng)
    x = rng.standard_normal((2, 3, 131, 120)).astype(np.float32)
    layer.train()
    trained = layer(x)
    layer.eval()
    np.testing.assert_allclose(layer(x), trained, atol=2e-5)
