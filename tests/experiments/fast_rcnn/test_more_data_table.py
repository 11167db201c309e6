"""More photos, as an experiment."""

from dataclasses import replace

import numpy as np
import pytest

from minircnn.experiments import EXPERIMENTS
from minircnn.experiments.fast_rcnn.more_data import share_of


@pytest.fixture(scope="module")
def table(quick_run):
    return quick_run("more-data")[0]


def test_all_photos_make_the_plain_detector(table, quick_bench):
    last = table["rows"][-1]
    plain = quick_bench.evaluate(quick_bench.trained(quick_bench.settings("fast-rcnn")))
    assert last["values"]["map"]["mean"] == plain.map
    assert last["values"]["photos"]["mean"] == len(quick_bench.train)
    assert [row["x"] for row in table["rows"]] == [0.25, 1.0]


def test_the_effect_of_the_paper_is_that_of_the_larger_set(table):
    published = [effect["published"] for effect in table["effects"] if effect["column"] == "map"]
    assert published == [0.031]  # 66.9 to 70.0; of rows that a quick run has


def test_a_smaller_share_lies_in_a_larger_one_and_another_seed_draws_others(quick_bench):
    shares = [set(share_of(quick_bench, share).image_ids) for share in (0.125, 0.25, 0.5, 1.0)]
    assert [len(share) for share in shares] == [2, 4, 8, 16]
    assert shares[0] < shares[1] < shares[2] < shares[3]
    drawn = [tuple(share_of(quick_bench.seeded(seed), 0.25).image_ids) for seed in range(3)]
    assert len(set(drawn)) == 3


def test_a_share_shows_the_photos_of_the_whole(quick_bench):
    some = share_of(quick_bench, 0.125)
    place = quick_bench.train.image_ids.index(some.image_ids[0])
    np.testing.assert_array_equal(some.image(0), quick_bench.train.image(place))


def test_every_share_has_a_row_where_time_allows(quick_bench):
    found = EXPERIMENTS["more-data"].rows(replace(quick_bench, quick=False))
    assert [row.title for row in found][:2] == ["1/8 of the photos", "1/4 of the photos"]
    assert [row.x for row in found] == [0.125, 0.25, 0.5, 1.0]
