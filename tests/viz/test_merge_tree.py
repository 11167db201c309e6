import numpy as np
import pytest

pytest.importorskip("matplotlib")

from minircnn.viz import draw_merge_tree

LABELS = np.repeat(np.arange(5), 4).reshape(1, -1).repeat(6, axis=0)  # five stripes
PHOTO = np.full((*LABELS.shape, 3), 200, np.uint8)
CHILDREN = [(0, 1), (3, 4), (5, 2), (7, 6)]


def brackets(ax):
    return [line for line in ax.lines if line.get_gid() == "merge"]


def in_colour(ax):
    """Tell which pixels are not grey, as all of the photo is."""
    shown = ax.images[0].get_array()
    return shown.max(axis=2) != shown.min(axis=2)


def test_every_merge_has_a_bracket_and_every_region_a_photo():
    tree, *panels = draw_merge_tree(PHOTO, LABELS, CHILDREN).axes
    assert len(brackets(tree)) == 4
    assert [text.get_text() for text in tree.texts] == ["5", "6", "7", "8"]
    assert [ax.get_title() for ax in panels] == ["0", "1", "2", "3", "4"]
    for region, ax in enumerate(panels):
        np.testing.assert_array_equal(in_colour(ax), region == LABELS)


def test_later_merges_stand_higher_and_no_lines_cross():
    children = [(0, 4), (1, 3), (5, 2), (6, 7)]
    tree, *panels = draw_merge_tree(PHOTO, LABELS, children).axes
    heights = [line.get_ydata()[1] for line in brackets(tree)]
    assert heights == [1, 2, 3, 4]
    order = [int(ax.get_title()) for ax in panels]
    assert sorted(order) == [0, 1, 2, 3, 4]
    for a, b in children[:2]:
        assert abs(order.index(a) - order.index(b)) == 1


def test_only_the_last_merges_are_drawn():
    figure = draw_merge_tree(PHOTO, LABELS, CHILDREN, leaves=3, names=list("abcdefghi"))
    tree, *panels = figure.axes
    assert [text.get_text() for text in tree.texts] == ["h", "i"]
    assert [ax.get_title() for ax in panels] == ["f", "c", "g"]
    np.testing.assert_array_equal(in_colour(panels[0]), LABELS < 2)  # region 5 is 0 and 1
    assert figure.texts[0].get_text() == "The last 2 of 4 merges"


def test_a_single_region_is_a_tree_without_merges():
    tree, panel = draw_merge_tree(PHOTO, np.zeros_like(LABELS), []).axes
    assert not brackets(tree)
    assert panel.get_title() == "0"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"labels": LABELS[:, :8]}, r"4 merges need 5 regions on \(6, 20\) pixels, got labels \(6, 8\)"),
        ({"children": CHILDREN[:3]}, "3 merges need 4 regions"),
        ({"leaves": 0}, "leaves must be at least 1, got 0"),
        ({"names": ["a"]}, "9 regions need as many names, got 1"),
    ],
)
def test_what_does_not_fit_is_named(changed, words):
    with pytest.raises(ValueError, match=words):
        draw_merge_tree(**{"image": PHOTO, "labels": LABELS, "children": CHILDREN, **changed})
