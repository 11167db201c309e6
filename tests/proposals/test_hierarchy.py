import hypothesis.strategies as st
import numpy as np
import pytest
from bins_by_pixel import by_pixel
from hypothesis import given, settings

from minircnn import textbook
from minircnn.imaging import convert
from minircnn.proposals.hierarchy import group
from minircnn.proposals.region_features import (
    neighbouring_regions,
    quantise_colour,
    quantise_texture,
    region_features,
)

KINDS = ["CTSF", "TSF", "C", "T", "S", "F", "CF", "TS"]


def prepare(seed, height=12, width=14, most=9):
    rng = np.random.default_rng(seed)
    small = rng.integers(0, most, (-(-height // 3), -(-width // 3)))
    labels = np.kron(small, np.ones((3, 3), int))[:height, :width]
    labels = np.unique(labels, return_inverse=True)[1].reshape(height, width).astype(np.int32)
    channels = convert(rng.integers(0, 256, (height, width, 3), dtype=np.uint8), "HSV")
    bins = quantise_colour(channels), quantise_texture(channels)
    return labels, bins, region_features(labels, *bins)


def terms_from_pixels(labels, bins, a, b):
    """The four similarities of the pixel sets a and b (bool masks), by definition."""
    color, texture = by_pixel(*bins)
    regions = [textbook.describe_region(mask, color, texture) for mask in (a, b)]
    return list(textbook.similarities(*regions, labels.size).values())


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**31), st.sampled_from(KINDS))
def test_always_merges_the_most_similar_neighbours(seed, similarities):
    """Algorithm 1, with everything computed anew from the pixels at every step."""
    labels, bins, features = prepare(seed, 9, 12)
    tree = group(labels, features, neighbouring_regions(labels), similarities)
    masks = {int(r): labels == r for r in np.unique(labels)}
    for merge, (a, b) in enumerate(tree.children.tolist()):
        current = np.zeros(labels.shape, int)
        for r, mask in masks.items():
            current[mask] = r
        found = {}
        for pair in map(tuple, neighbouring_regions(current).tolist()):
            terms = terms_from_pixels(labels, bins, masks[pair[0]], masks[pair[1]])
            found[pair] = sum(t for t, c in zip(terms, "CTSF", strict=True) if c in similarities)
        assert (a, b) in found  # real neighbours
        assert found[a, b] == pytest.approx(max(found.values()), abs=1e-5)
        masks[tree.num_initial + merge] = masks.pop(a) | masks.pop(b)
    assert len(masks) == 1


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.sampled_from(KINDS))
def test_every_region_is_what_it_says(seed, similarities):
    labels, bins, features = prepare(seed)
    tree = group(labels, features, neighbouring_regions(labels), similarities)
    n = labels.max() + 1
    assert len(tree) == 2 * n - 1
    assert tree.num_initial == n
    for region in range(len(tree)):
        mask = tree.mask(region)
        y, x = np.nonzero(mask)
        assert tree.size[region] == mask.sum()
        np.testing.assert_array_equal(tree.boxes[region], [x.min(), y.min(), x.max() + 1, y.max() + 1])
    for i, (a, b) in enumerate(tree.children.tolist()):
        np.testing.assert_array_equal(tree.mask(n + i), tree.mask(a) | tree.mask(b))
        assert not (tree.mask(a) & tree.mask(b)).any()
        expected = terms_from_pixels(labels, bins, tree.mask(a), tree.mask(b))
        np.testing.assert_allclose(tree.terms[i], expected, atol=1e-5)
        counted = [t for t, c in zip(expected, "CTSF", strict=True) if c in similarities]
        assert tree.similarity[i] == pytest.approx(sum(counted), abs=1e-5)
    assert tree.mask(len(tree) - 1).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**31), st.sampled_from(KINDS))
def test_equals_the_textbook(seed, similarities):
    labels, bins, features = prepare(seed)
    neighbours = neighbouring_regions(labels)
    tree = group(labels, features, neighbours, similarities)
    color, texture = by_pixel(*bins)
    initial = [textbook.describe_region(labels == r, color, texture) for r in range(tree.num_initial)]
    pairs = [(a, b) for a, b in neighbours.tolist()]
    regions, merges = textbook.hierarchical_grouping(initial, pairs, labels.size, similarities)
    for own, theirs, value in zip(tree.children.tolist(), merges, tree.similarity, strict=True):
        if tuple(own) != theirs:  # two pairs as similar as each other, up to rounding
            terms = textbook.similarities(*(regions[r] for r in theirs), labels.size)
            assert sum(terms[letter] for letter in similarities) == pytest.approx(value, abs=1e-5)
            return
    np.testing.assert_array_equal(tree.boxes, [region.box for region in regions])
    np.testing.assert_array_equal(tree.size, [region.size for region in regions])


def test_inspection():
    labels, _, features = prepare(3)
    tree = group(labels, features, neighbouring_regions(labels), "TSF")
    np.testing.assert_array_equal(tree.after(0), labels)
    assert (tree.after(len(tree.children)) == len(tree) - 1).all()
    for merges in range(len(tree.children) + 1):
        assert len(np.unique(tree.after(merges))) == tree.num_initial - merges
    a, b = tree.children[0]
    line = tree.describe(0)
    assert line.startswith(f"{a} + {b} -> {tree.num_initial}: similarity {tree.similarity[0]:.3f}")
    assert "colour" in line
    assert line.count("(not counted)") == 1
    assert tree.leaves(tree.num_initial) == sorted([a, b])


def test_single_region():
    labels = np.zeros((3, 4), np.int32)
    bins = np.zeros((1, 3, 4), np.int32)
    tree = group(labels, region_features(labels, bins, bins), neighbouring_regions(labels))
    assert len(tree) == 1
    assert tree.children.shape == (0, 2)
    assert tree.terms.shape == (0, 4)
    np.testing.assert_array_equal(tree.boxes, [[0, 0, 4, 3]])


@pytest.mark.parametrize("similarities", ["", "X", "CTSFV"])
def test_unknown_similarity(similarities):
    labels, _, features = prepare(0)
    with pytest.raises(ValueError, match="letters of 'CTSF'"):
        group(labels, features, neighbouring_regions(labels), similarities)


def test_a_merge_is_described_by_its_number_also_from_the_end():
    labels, _, features = prepare(1)
    tree = group(labels, features, neighbouring_regions(labels))
    merges = len(tree.children)
    for merge in range(merges):
        a, b = tree.children[merge]
        assert tree.describe(merge).startswith(f"{a} + {b} -> {tree.num_initial + merge}: similarity ")
        assert tree.describe(merge - merges) == tree.describe(merge)
    for merge in (merges, -merges - 1):
        with pytest.raises(IndexError, match=f"no merge {merge}: there are {merges}"):
            tree.describe(merge)
