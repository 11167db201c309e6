"""All detectors on the same photos as an experiment."""

import pytest

from minircnn.experiments import EXPERIMENTS, Bench
from minircnn.proposals import SelectiveSearch
from minircnn.training import RECIPES


@pytest.fixture(scope="module")
def table(quick_run):
    return quick_run("classical")


def means(result):
    return {row["name"]: {n: v["mean"] for n, v in row["values"].items()} for row in result["rows"]}


def test_every_detector_that_can_be_trained_has_a_row(quick_bench):
    bench = Bench(quick_bench.train, quick_bench.test, quick_bench.folder)
    names = [row.name for row in EXPERIMENTS["classical"].rows(bench)]
    assert sorted(names) == sorted(RECIPES)
    assert {end for e in EXPERIMENTS["classical"].effects for end in (e.of, e.than)} <= set(names)


def test_a_row_is_the_detector_as_it_was_trained(table, quick_bench):
    plain = quick_bench.evaluate(quick_bench.trained(quick_bench.settings("fast-rcnn")))
    assert means(table[0])["fast-rcnn"]["map"] == plain.map


def test_detectors_judge_the_same_regions_and_differ_in_passes(table, quick_bench):
    found = means(table[0])
    limit = quick_bench.settings("rcnn").proposals.limit
    search = SelectiveSearch(min_size=10, max_width=1000)
    boxes = [min(limit, len(own)) for own in quick_bench.proposals(quick_bench.test, search)]
    for name in ("rcnn", "fast-rcnn"):
        assert found[name]["windows"] == sum(boxes) / len(boxes)
    assert found["rcnn"]["passes"] == found["rcnn"]["windows"]
    passes = {name: values["passes"] for name, values in found.items() if name != "rcnn"}
    assert passes == {"viola-jones": 0, "hog-svm": 0, "fast-rcnn": 1, "faster-rcnn": 1}


def test_scans_look_at_all_windows_and_not_only_at_those_they_keep(table, quick_bench):
    detector = quick_bench.trained(quick_bench.settings("hog-svm"))
    image = quick_bench.test.image(0)
    expected = sum(scores[0].size for _, scores in detector.levels(image))  # scenes have one size
    found = means(table[0])
    assert found["hog-svm"]["windows"] == expected
    assert found["viola-jones"]["windows"] > found["rcnn"]["windows"]


def test_times_are_apart_and_positive(table):
    result, times = table
    assert [column["name"] for column in times["columns"]] == ["seconds"]
    assert all(values["seconds"] > 0 for values in means(times).values())
    assert "seconds" not in means(result)["rcnn"]


def test_detectors_without_a_preset_for_the_photos_are_left_out(quick_bench):
    bench = Bench(quick_bench.train, quick_bench.test, quick_bench.folder, preset="pretrained")
    names = [row.name for row in EXPERIMENTS["classical"].rows(bench)]
    assert names == ["rcnn", "sppnet", "fast-rcnn", "faster-rcnn"]
