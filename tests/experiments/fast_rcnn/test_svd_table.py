"""Truncated SVD as an experiment."""

import pytest


@pytest.fixture(scope="module")
def table(quick_run):
    return quick_run("svd")


def rows(result):
    return {row["name"]: row["values"] for row in result["rows"]}


def test_the_full_rank_is_the_detector_as_it_was_trained(table, quick_bench):
    plain = quick_bench.evaluate(quick_bench.trained(quick_bench.settings("fast-rcnn")))
    assert rows(table[0])["rank-1"]["map"]["mean"] == plain.map


def test_a_lower_rank_has_fewer_weights(table):
    weights = [values["weights"]["mean"] for values in rows(table[0]).values()]
    assert len(weights) == 5
    assert weights == sorted(weights, reverse=True)
    assert weights[0] > 4 * weights[-1]


def test_times_are_apart_from_results(table):
    result, times = table
    assert [column["name"] for column in result["columns"]] == ["map", "weights"]
    assert [column["name"] for column in times["columns"]] == ["seconds"]
    assert set(rows(times)["rank-1"]) == {"seconds"}
