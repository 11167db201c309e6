"""Fine-tuning from one layer on, as an experiment."""

from dataclasses import replace

import numpy as np
import pytest

from minircnn.backbones import build_backbone
from minircnn.experiments import EXPERIMENTS
from minircnn.experiments.fast_rcnn.frozen_layers import blocks_of, tuning
from minircnn.experiments.pretrained_backbone import relative_change
from minircnn.weights import read_weights


@pytest.fixture(scope="module")
def table(quick_run):
    return quick_run("frozen-layers")


def rows(result):
    return {row["name"]: row["values"] for row in result["rows"]}


def test_there_are_rows_for_blocks_and_one_from_random_weights(table, quick_bench):
    values = rows(table[0])
    assert list(values) == ["random", "blocks-1", "blocks-3", "fc"]
    plain = quick_bench.evaluate(quick_bench.trained(quick_bench.settings("fast-rcnn")))
    assert values["random"]["map"]["mean"] == plain.map


def test_frozen_convolutions_do_not_move(table):
    moved = {name: values["moved"]["mean"] for name, values in rows(table[0]).items()}
    assert moved.pop("fc") == 0
    assert all(change > 0 for change in moved.values())


def test_the_layers_below_the_first_trained_one_are_those_that_were_loaded(table, quick_bench):
    settings = tuning(quick_bench, ("conv1", "conv2"))
    before = read_weights(settings.backbone.weights)
    after = quick_bench.trained(settings).network.features.state_dict()
    same = {name.split(".")[0] for name, array in after.items() if np.array_equal(array, before[name])}
    assert same == {"conv1", "conv2"}


def test_the_higher_fine_tuning_begins_the_fewer_weights_it_trains(table):
    trained = [values["trained"]["mean"] for values in rows(table[0]).values()]
    assert trained[0] == trained[1]
    assert trained[1:] == sorted(trained[1:], reverse=True)
    assert set(rows(table[1])["fc"]) == {"seconds"}


def test_every_block_has_a_row_where_time_allows(quick_bench):
    names = [row.name for row in EXPERIMENTS["frozen-layers"].rows(replace(quick_bench, quick=False))]
    assert names == ["random", "blocks-1", "blocks-2", "blocks-3", "fc"]


def test_the_rows_of_vgg16_are_those_of_the_paper():
    blocks = blocks_of(build_backbone("vgg16").features)
    assert [block[0] for block in blocks] == ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]


def test_a_change_is_told_relative_to_the_weights():
    before = {"a": np.array([3.0]), "b": np.array([4.0])}
    assert relative_change(before, {"a": np.array([3.0]), "b": np.array([3.0])}) == pytest.approx(0.2)
