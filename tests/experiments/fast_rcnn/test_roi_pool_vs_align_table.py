"""RoI pooling against RoI align, as an experiment."""

from minircnn.nn import RoIAlign


def test_the_first_row_is_the_plain_detector_and_the_second_has_the_other_layer(quick_run, quick_bench):
    result, times = quick_run("roi-pool-vs-align")
    first, second = result["rows"]
    plain = quick_bench.evaluate(quick_bench.trained(quick_bench.settings("fast-rcnn")))
    assert first["values"]["map"]["mean"] == plain.map
    assert first["values"]["map75"]["mean"] <= plain.map
    assert second["published"] == {}
    aligned = quick_bench.trained(quick_bench.settings("fast-rcnn", {"roi_pooling": "align"}))
    assert isinstance(aligned.network.roi_pool, RoIAlign)
    assert second["values"]["map"]["mean"] == quick_bench.evaluate(aligned).map
    assert [column["name"] for column in times["columns"]] == ["seconds"]
