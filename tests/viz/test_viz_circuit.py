import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("matplotlib")

from minircnn.viz import Gate, Wire, draw_circuit

GATES = {
    "x": Gate("x", 0, 0),
    "w": Gate("w", 0, 2),
    "mul": Gate("×", 1, 1),
    "fork": Gate("", 2, 1),
    "up": Gate("up", 2, 0),
    "y": Gate("y", 3, 1),
}
WIRES = [
    Wire("x", "mul", 3.0, -6.0),
    Wire("w", "mul", 2, -9),
    Wire("mul", "fork", "six", np.array([1.5, -0.0])),
    Wire("fork", "y", np.arange(8.0, 12.0).reshape(2, 2)),
    Wire("fork", "up", "left", "right"),
]


def texts(figure, gid):
    return {text.get_text(): text for text in figure.axes[0].texts if text.get_gid() == gid}


def test_every_wire_shows_what_flows_on_it():
    figure = draw_circuit(GATES, WIRES)
    assert list(texts(figure, "value")) == ["3", "2", "six", " 8  9\n10 11", "left"]
    assert list(texts(figure, "gradient")) == ["−6", "−9", "1.5   0", "right"]
    arrows = [text.arrow_patch for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == len(WIRES)
    colours = {arrow.get_edgecolor() for arrow in arrows}
    assert len(colours) == 2
    assert [arrow.get_edgecolor() == arrows[3].get_edgecolor() for arrow in arrows] == [0, 0, 0, 1, 0]


def test_values_stand_above_and_gradients_below():
    figure = draw_circuit(GATES, WIRES)
    values, gradients = texts(figure, "value"), texts(figure, "gradient")
    for value, gradient in (("3", "−6"), ("2", "−9"), ("six", "1.5   0")):
        assert values[value].get_position()[1] < gradients[gradient].get_position()[1]  # y goes down
    assert values["left"].get_position()[0] < gradients["right"].get_position()[0]


@pytest.mark.parametrize(
    "to", [(0, 2), (0, -2), (3, 0), (-3, 0), (3, 2), (-3, 2)], ids=["down", "up", "right", "left", "1", "2"]
)
def test_a_value_is_never_below_its_gradient_whatever_way_the_wire_goes(to):
    figure = draw_circuit({"a": Gate("a", 0, 0), "b": Gate("b", *to)}, [Wire("a", "b", "value", "slope")])
    (x, y), (u, v) = (
        texts(figure, gid)[text].get_position() for gid, text in (("value", "value"), ("gradient", "slope"))
    )
    assert y < v if to[0] else x < u


def test_inputs_and_outputs_have_no_frame_and_what_is_frozen_is_grey():
    gates = GATES | {"mul": Gate("×", 1, 1, frozen=True)}
    shown = texts(draw_circuit(gates, WIRES), "gate")
    assert {label for label, text in shown.items() if text.get_bbox_patch() is not None} == {"×"}
    assert shown["×"].get_color() != shown["x"].get_color()


PLACES = st.tuples(st.integers(-3, 3), st.integers(-3, 3))


@settings(deadline=None, max_examples=20)
@given(
    st.lists(PLACES, min_size=1, max_size=5, unique=True),
    st.text("aMy$_\n×", max_size=12),
    st.sampled_from(["", "A title wider than all that is drawn below it"]),
)
def test_nothing_reaches_out_of_the_figure(places, label, title):
    gates = {str(i): Gate(label, *place) for i, place in enumerate(places)}
    wires = [Wire("0", name, "value", 1e-9) for name in gates if name != "0"]
    figure = draw_circuit(gates, wires, title)
    width, height = figure.canvas.get_width_height()
    figure.draw_without_rendering()
    extents = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    for extent in extents:
        assert extent.x0 >= 0
        assert extent.y0 >= 0
        assert extent.x1 <= width + 1
        assert extent.y1 <= height + 1
    assert bool(texts(figure, "title")) == bool(title)


def test_nothing_is_left_empty_around_it():
    gates = {"a": Gate("a", 4, 4), "b": Gate("b", 5, 4), "c": Gate("c", 6, 4)}
    figure = draw_circuit(gates, [Wire("a", "b", 1, 2), Wire("b", "c", 3, 4)])
    width, height = figure.get_size_inches()
    assert 3.0 < width < 3.5  # two columns and the letters
    assert 0.4 < height < 0.9  # two lines


def test_names_are_data_and_the_file_can_be_written():
    figure = draw_circuit(
        {"$x$": Gate("$x$", 0, 0), "b": Gate(r"\frac{$", 1, 0)}, [Wire("$x$", "b", "$", "$$")]
    )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg")
    assert len(buffer.getvalue()) > 1000


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="at least one gate"):
        draw_circuit({}, [])
    with pytest.raises(ValueError, match="the gates are a: there is none called b, c"):
        draw_circuit({"a": Gate("a", 0, 0)}, [Wire("a", "b"), Wire("c", "a")])
    with pytest.raises(ValueError, match="the wire from a to b begins and ends at the same place"):
        draw_circuit({"a": Gate("a", 1, 2), "b": Gate("b", 1, 2)}, [Wire("a", "b")])
    with pytest.raises(ValueError, match=r"arrays \(n,\) or \(H, W\), got \(1, 1, 1\)"):
        draw_circuit({"a": Gate("a", 0, 0), "b": Gate("b", 1, 0)}, [Wire("a", "b", np.ones((1, 1, 1)))])
