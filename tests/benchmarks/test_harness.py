"""The harness of the benchmarks says what it promises; no time is asserted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import __main__ as report
from benchmarks.__main__ import geometric_means
from benchmarks.harness import MIN_ROUNDS, Contest, Work, close_to, count_calls, identical, run_contest
from minircnn.kernels.threads import parallel_for

RATIOS = st.lists(st.tuples(st.sampled_from("abc"), st.floats(1e-3, 1e3)), min_size=1, max_size=20)


def test_twice_as_fast_and_half_as_fast_cancel():
    rows = [("nms", 0.5), ("warping", 0.2), ("nms", 2.0)]
    (first, second) = geometric_means(rows)
    assert first == ("nms", 2, pytest.approx(1.0))
    assert second == ("warping", 1, pytest.approx(0.2))


@settings(deadline=None)
@given(RATIOS)
def test_a_geometric_mean_is_the_root_of_the_product(rows):
    means = geometric_means(rows)
    assert [group for group, _, _ in means] == list(dict.fromkeys(group for group, _ in rows))
    for group, count, mean in means:
        own = [ratio for name, ratio in rows if name == group]
        assert count == len(own)
        assert mean == pytest.approx(np.prod(own) ** (1 / len(own)))


@settings(deadline=None)
@given(RATIOS)
def test_exchanging_both_sides_inverts_every_mean(rows):
    there, back = geometric_means(rows), geometric_means([(group, 1 / ratio) for group, ratio in rows])
    assert [mean for _, _, mean in there] == pytest.approx([1 / mean for _, _, mean in back])


def test_close_to_measures_in_units_of_the_peers_largest_value():
    theirs = np.array([0.0, -200.0])
    assert close_to(0.01)(theirs + np.array([1, 0]), theirs) == "within 5e-03"
    with pytest.raises(AssertionError, match=r"differ by 0\.005"):
        close_to(0.004)(theirs + np.array([1, 0]), theirs)


def test_close_to_looks_at_every_array_of_a_sequence():
    good, bad = np.ones(3), np.array([1.0, 2.0, 1.0])
    assert close_to(0)([good, good], (good, good)) == "within 0e+00"
    for ours in ([good, bad], [bad, good]):
        with pytest.raises(AssertionError):
            close_to(0.1)(ours, [good, good])


def test_close_to_refuses_other_shapes_and_other_counts():
    with pytest.raises(AssertionError, match="shapes"):
        close_to(1)(np.ones((1, 3)), np.ones(3))
    with pytest.raises(ValueError, match="longer"):
        close_to(1)([np.ones(3)], [np.ones(3), np.ones(3)])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_close_to_refuses_what_is_not_finite(value):
    with pytest.raises(AssertionError):
        close_to(1)(np.array([1.0, value]), np.ones(2))


def test_close_to_of_empty_arrays():
    assert close_to(0)(np.empty((0, 4)), np.empty((0, 4))) == "within 0e+00"


def test_identical_takes_equal_arrays_only():
    assert identical([3, 1], np.array([3, 1])) == "identical"
    with pytest.raises(AssertionError):
        identical([3, 1], np.array([1, 3]))


def test_calls_are_counted_in_all_pieces_and_the_same_each_time():
    def piece(i):
        abs(i)

    def run():
        parallel_for(piece, range(50), like=np.empty(1))

    run()  # the first one makes the threads
    first = count_calls(run)
    assert first == count_calls(run) >= 100
    assert count_calls(lambda: None) < first - 100


def test_a_contest_checks_both_results_before_it_is_timed():
    seen = []

    def check(ours, theirs):
        seen.append((ours, theirs))
        raise AssertionError("they differ")

    with pytest.raises(AssertionError, match="they differ"):
        run_contest(Contest(lambda: "ours", lambda: "theirs", check), seconds=0)
    assert seen == [("ours", "theirs")]


def test_a_contest_runs_both_sides_in_turns():
    turns = []
    contest = Contest(lambda: turns.append("o"), lambda: turns.append("t"), lambda *_: "fine", rounds=4)
    timing = run_contest(contest, seconds=0)
    # once for the check, then pairs whose first side alternates
    assert "".join(turns) == "ot" + "ot" + "to" + "ot" + "to"
    assert timing.rounds == 4


def test_what_a_contest_tells():
    contest = Contest(lambda: 1, lambda: 2, lambda a, b: f"{a} and {b}", flops=6.0)
    timing = run_contest(contest, seconds=0)
    assert timing.rounds == MIN_ROUNDS
    assert timing.agreement == "1 and 2"
    assert timing.flops == 6.0
    assert timing.ours > 0
    assert timing.theirs > 0
    assert 0 < timing.low <= timing.ratio <= timing.high


class TestListing:
    @pytest.fixture(autouse=True)
    def peers(self):
        pytest.importorskip("torch")

    def test_every_chapter_lists_its_rows_without_preparing_one(self):
        works = report._all_works()
        assert works
        assert all(isinstance(work, Work) and work.peer for work in works)
        titles = [report._title(work) for work in works]
        assert sorted(set(titles)) == sorted(titles)

    def test_names_and_only(self, capsys):
        report.main(names=True)
        everything = capsys.readouterr().out.splitlines()
        report.main(names=True, only=["Convolution"])
        some = capsys.readouterr().out.splitlines()
        assert 0 < len(some) < len(everything)
        assert some == [line for line in everything if "convolution" in line.lower()]

    def test_a_name_nobody_has(self):
        with pytest.raises(SystemExit, match="no row's name contains Viola"):
            report.main(names=True, only=["Viola"])
