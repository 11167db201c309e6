"""The page about speed is made of the JSON files, whatever is in them."""

import copy
import re

import pytest

from benchmarks import page, plots
from benchmarks.operations import moved_by_convolutions
from minircnn.nn import Conv2d, MaxPool2d

RESULT = {
    "peer": "PyTorch",
    "ours": 0.05,
    "theirs": 0.1,
    "ratio": 0.5,
    "low": 0.4,
    "high": 0.6,
    "rounds": 5,
    "agreement": "within 1e-06",
    "flops": None,
}
RESULTS = [
    {**RESULT, "group": "convolution", "name": "fast", "flops": 2e10},
    {**RESULT, "group": "convolution", "name": "unknown"},
    {**RESULT, "group": "NMS", "name": "slow", "peer": "torchvision", "ratio": 2.0, "low": 1.9, "high": 2.5},
    {**RESULT, "group": "detection", "name": "VGG16", "peer": "R-CNN (ours)", "ratio": 0.004, "low": 0.004},
]
MACHINE = {"peak_gflops": 200, "copy_gb_per_s": 10, "call_us": 0.5}


def cells(table):
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "|" in line
    ]


def test_a_groups_table_shows_the_share_of_the_peak_where_operations_are_known():
    text = page.group_tables(RESULTS, MACHINE)
    rows = {row[0]: row[1:] for row in cells(text)}
    assert rows["fast"] == ["50 ms", "100 ms", "**0.50**", "0.40 to 0.60", "200 %"]
    assert rows["unknown"] == ["50 ms", "100 ms", "**0.50**", "0.40 to 0.60", ""]
    assert len(rows["slow"]) == 4
    assert re.findall("^### (.*)", text, re.MULTILINE) == ["Convolution", "NMS", "Detection"]


def test_a_groups_table_shows_what_memory_and_calls_take_where_they_were_counted():
    counted = {**RESULT, "group": "pooling", "name": "both", "moved": 4e8, "calls": 1000}
    text = page.group_tables([counted, {**RESULT, "group": "pooling", "name": "older"}], MACHINE)
    rows = {row[0]: row[5:] for row in cells(text)}
    assert rows["case"] == ["of copying", "calls"]
    # 2e8 bytes copied at 10 GB/s are 20 ms of 50, a thousand calls half a millisecond
    assert rows["both"] == ["40 %", "1 %"]
    assert rows["older"] == ["", ""]
    assert "from 40 % (pooling, both) to 40 % (pooling, both)" in page.bounds([counted], MACHINE)


def test_a_groups_text_says_how_closely_the_results_agree():
    def text(*said):
        rows = [{**RESULT, "group": "g", "name": str(i), "agreement": a} for i, a in enumerate(said)]
        return page.group_tables(rows, MACHINE).splitlines()[2].rpartition("; ")[2]

    assert text("within 5e-06", "within 1e-05", "identical") == (
        "results agree within 1e-05 of their largest value."
    )
    assert text("identical", "within 0e+00") == "results are identical."
    assert text("loss within 7e-08, gradient within 5e-04") == "loss within 7e-08, gradient within 5e-04."


def test_all_rows_of_a_table_are_as_wide_as_its_head():
    for text in (page.means_table(RESULTS), page.group_tables(RESULTS[:2], MACHINE)):
        assert len({len(row) for row in cells(text)}) == 1


def test_only_peers_are_counted_among_what_is_slower():
    text = page.bounds(RESULTS, MACHINE)
    assert "2 of 3 cases are done faster" in text
    assert "- NMS, slow: 2.00 (quartiles 1.90 to 2.50)" in text
    assert "R-CNN" not in text


@pytest.mark.parametrize("group", ["convolution", "NMS", "detection"])
def test_a_group_may_be_missing(group):
    rest = [copy.copy(r) for r in RESULTS if r["group"] != group]
    for text in (page.means_table(rest), page.group_tables(rest, MACHINE), page.bounds(rest, MACHINE)):
        assert group.lower() not in text.lower()


def test_the_picture_has_a_line_for_every_group_and_a_dot_for_every_case():
    pytest.importorskip("matplotlib")
    figure = plots.draw_ratios(RESULTS, {group: mean for group, _, mean in page.means(RESULTS)})
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["convolution", "NMS", "detection"]
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert sorted(dots) == sorted(r["ratio"] for r in RESULTS)
    low, high = ax.get_xlim()
    assert low < min(dots) < max(dots) < high


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0001234, "0.123 ms"), (0.01, "10 ms"), (0.25, "250 ms"), (1.5, "1.5 s"), (613.2, "613 s")],
)
def test_durations(seconds, text):
    assert page.duration(seconds) == text


GROWTH = {
    "name": "NMS",
    "unit": "boxes",
    "time_order": "boxes · kept boxes",
    "memory_order": "one block",
    "sizes": [2500, 40000],
    "seconds": [0.001, 0.25],
    "megabytes": [1.5, 1.5],
    "kept_megabytes": [12.2, 0.0],
    "time_exponent": 1.2345,
    "memory_exponent": -0.001,
    "expected_time_exponent": 2,
    "expected_memory_exponent": 0,
}


def test_the_table_of_growth_shows_measured_powers_beside_the_orders_own():
    _, _, row = cells(page.growth_table([GROWTH]))
    assert row[:5] == ["NMS", "2,500 to 40,000 boxes", "1 ms to 250 ms", "1.5 to 1.5", "12"]
    assert row[5:] == ["**1.23** (2.00)", "**0.00** (0.00)", "boxes · kept boxes", "one block"]


def test_what_grows_faster_than_its_own_order_is_named():
    worse = {**GROWTH, "name": "sorting", "memory_exponent": 0.5}
    assert page.steeper([GROWTH]) == "No power is above its own order's by more than 0.1."
    assert page.steeper([GROWTH, worse]).endswith("are the powers of: memory of sorting (**0.50** (0.00)).")


def test_the_picture_of_growth_has_two_curves_and_their_orders_for_each_series():
    pytest.importorskip("matplotlib")
    costs = {"time_costs": [1, 256], "memory_costs": [1, 1]}
    figure = plots.draw_growth([{**GROWTH, **costs}] * 4)
    assert len(figure.axes) == 8
    for ax in figure.axes:
        order, curve = (list(line.get_ydata()) for line in ax.lines)
        assert order[-1] == curve[-1]
        low, high = ax.get_ylim()
        assert low < min(order + curve) <= max(order + curve) < high


def test_launches_and_waits_stand_beside_their_piece():
    rows = cells(page.launches_table([{"piece": "an update", "launches": 1234, "waits": 0}]))
    assert rows[2] == ["an update", "1,234", "0"]


def test_a_gpu_is_compared_with_the_peer_and_with_the_processor():
    row = {"name": "an update", "ours": 0.005, "theirs": 0.01, "ratio": 0.5, "tf32": 0.002, "cpu": 1.5}
    rows = cells(page.gpu_table([row]))
    assert rows[2] == ["an update", "5 ms", "10 ms", "**0.50**", "2 ms", "1.5 s"]


def test_what_was_measured_on_a_gpu_agrees_with_the_peer():
    measured = page.load("gpu")
    assert "TFLOP/s" in page.gpu_machine(measured["machine"])
    for row in measured["results"]:
        assert row["low"] <= row["ratio"] <= row["high"]
        assert row["agreement"].startswith("within") or "detection" in row["name"]


def test_two_processors_are_compared_over_the_cases_measured_on_both():
    machine = {"processor": "P", "blas": ["openblas 0.3 Haswell"], "peak_gflops": 80.4}
    newest = {"machine": machine, "results": RESULTS}
    other = {"blas": ["openblas 0.3 SkylakeX"], "peak_gflops": 460.0}
    twice = [{**r, "ratio": 2 * r["ratio"]} for r in RESULTS if r["name"] != "unknown"]
    head, _, *rows = cells(page.two_processors(newest, {"machine": machine | other, "results": twice}))
    assert head[2:] == ["P, Haswell kernels, 80 GFLOP/s", "P, SkylakeX kernels, 460 GFLOP/s"]
    assert rows == [["Convolution", "1", "0.50", "1.00"], ["NMS", "1", "2.00", "4.00"]]


def test_numbers_of_threads_are_compared_over_the_cases_measured_with_both():
    two = {"machine": {"threads": 2}, "results": RESULTS}
    alone = [{**r, "ratio": 3 * r["ratio"]} for r in RESULTS if r["group"] == "NMS"]
    head, _, *rows = cells(page.two_numbers_of_threads(two, {"machine": {"threads": 1}, "results": alone}))
    assert head[2:] == ["2 threads", "one thread"]
    assert rows == [["NMS", "1", "2.00", "6.00"]]


def test_trainings_say_what_they_took_and_which_did_not_arrive():
    looks = {"ours": [[100, 9.0, 18.0, 0.5], [200, 20.0, 30.0, 0.86]], "theirs": [[100, 5.0, 10.0, 0.84]]}
    measured = {
        "goal": 0.85,
        "trainings": [{"seed": 3, "name": name, "looks": looks[name]} for name in ("ours", "theirs")],
    }
    rows = cells(page.accuracy_table(measured))
    assert rows[2:] == [
        ["3", "ours", "200", "20", "30", "0.860"],
        ["3", "theirs", "100, not reached", "5", "10", "0.840"],
    ]
    # 0.1 s an update against 0.05 s; 0.15 s of the processor against 0.1 s
    assert "ours **2.00** times as long as theirs, and 1.50 times the seconds" in page.pace(measured)


def test_bytes_moved_by_convolutions_are_those_of_their_maps():
    layers = [Conv2d(3, 8, 3, padding=1), MaxPool2d(2), Conv2d(8, 4, 1)]
    # (3 + 8) numbers on 4 × 6 pixels, (8 + 4) on 2 × 3, each of four bytes
    assert moved_by_convolutions(layers, (1, 4, 6)) == 4 * (11 * 24 + 12 * 6)
