"""Crops as an experiment."""

from minircnn.experiments import EXPERIMENTS, Bench


def test_each_way_is_trained_by_itself(quick_run, quick_bench):
    result = quick_run("warp")[0]
    table = {row["name"]: row for row in result["rows"]}
    assert list(table) == [
        "unscaled-16",
        "square_with_context-16",
        "square_without_context-16",
        "warp-16",
    ]
    assert all(0 <= row["values"]["map"]["mean"] <= 1 for row in table.values())
    effects = {effect["what"]: effect["published"] for effect in result["effects"]}
    assert effects["warping over squares with context"] == 0.04
    svms = {row["name"]: row for row in quick_run("svm-vs-softmax")[0]["rows"]}
    assert table["warp-16"]["values"] == svms["rcnn-svm"]["values"]  # the same detector


def test_four_ways_with_and_without_context(quick_bench):
    bench = Bench(quick_bench.train, quick_bench.test, quick_bench.folder)
    names = [row.name for row in EXPERIMENTS["warp"].rows(bench)]
    assert len(names) == len(set(names)) == 8
    assert "warp-0" in names
