"""The widgets compute what the package computes: their functions run in node, on the package's numbers."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from docs.widget_data import merge_tree, mining, windows
from minircnn import SelectiveSearch, build_backbone, textbook
from minircnn.boxes import anchors_inside, nms_explained
from minircnn.heads import MiningSettings, mine_and_train
from minircnn.textbook.average_precision import Found, Truth, area_under_curve, precision_recall
from minircnn.textbook.boxes import decode, encode, iou
from minircnn.textbook.losses import smooth_l1
from minircnn.textbook.roi_pooling import split_into_bins
from minircnn.textbook.warping import crop_span, warp_region

NODE = shutil.which("node")
WIDGETS = Path(__file__).resolve().parents[2] / "docs" / "widgets"

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")


def same(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def call():
    """Run calls (file, function, arguments...) in node."""
    command = [NODE, str(Path(__file__).with_name("call_widgets.js")), str(WIDGETS)]
    node = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(calls):
        node.stdin.write(json.dumps(calls, default=lambda array: array.tolist()) + "\n")
        node.stdin.flush()
        answer = json.loads(node.stdout.readline())
        assert isinstance(answer, list), answer["error"]
        return answer

    with node:
        yield run


def random_boxes(rng, count, side=20):
    """Return boxes (count, 4) on whole and half pixels, some of which touch, hold each other or are equal."""
    corners = np.sort(rng.integers(0, 2 * side, (count, 2, 2)) / 2, axis=1)
    corners[:, 1] += 0.5
    boxes = corners.reshape(-1, 4)
    boxes[count // 2] = boxes[0]
    return boxes


def test_iou_and_offsets(call, rng):
    a, b = random_boxes(rng, 60), random_boxes(rng, 60)
    pairs = [
        *zip(a.tolist(), b.tolist(), strict=True),
        ([0, 0, 4, 4], [4, 0, 8, 4]),
        ([0, 0, 0, 4], [0, 0, 4, 4]),
    ]
    same(call([("boxes", "iou", *pair) for pair in pairs]), [iou(*pair) for pair in pairs])
    offsets = [encode(*pair) for pair in pairs[:60]]
    same(call([("boxes", "encode", *pair) for pair in pairs[:60]]), offsets)
    wild = [*offsets, (0.1, -0.2, 9.0, -3.0)]  # 9 is more than decode allows
    boxes = [*a.tolist(), [0.0, 0.0, 10.0, 20.0]]
    decoded = [decode(box, t) for box, t in zip(boxes, wild, strict=True)]
    same(call([("boxes", "decode", box, t) for box, t in zip(boxes, wild, strict=True)]), decoded)


def test_the_added_pixel_is_that_of_inclusive_boxes(call, rng):
    a, b = random_boxes(rng, 30), random_boxes(rng, 30)
    shift = np.array([1, 1, 0, 0])
    inclusive = [(p + shift, q + shift) for p, q in zip(a, b, strict=True)]
    expected = [iou(p, q) for p, q in zip(a.tolist(), b.tolist(), strict=True)]
    same(call([("boxes", "iou", *pair, 1) for pair in inclusive]), expected)


def test_rounding_and_order(call, rng):
    values = [0, 0.49999, 0.5, 1.5, 2.5, 3.49, 7]
    assert call([("boxes", "round", v) for v in values]) == [0, 0, 1, 2, 3, 3, 7]
    scores = rng.integers(0, 5, 40) / 4
    assert call([("boxes", "bestFirst", scores)])[0] == np.argsort(-scores, kind="stable").tolist()


@pytest.mark.parametrize("threshold", [0, 0.3, 0.5, 1])
def test_suppression(call, rng, threshold):
    boxes = np.concatenate([random_boxes(rng, 40), [[0, 0, 10, 10], [0, 0, 10, 20]]])  # IoU exactly 0.5
    scores = np.concatenate([rng.integers(0, 10, 40) / 10, [2, 2]])
    kept, removed_by = nms_explained(boxes, scores, threshold)
    rounds = call([("nms", "suppress", boxes, scores, threshold)])[0]
    assert [one["kept"] for one in rounds] == kept.tolist()
    assert kept.tolist() == textbook.nms(boxes, scores, threshold)
    for one in rounds:
        expected = [i for i in range(len(boxes)) if removed_by[i] == one["kept"] != i]
        assert sorted(i for i, _ in one["removed"]) == expected
        overlaps = [iou(boxes[one["kept"]], boxes[i]) for i, _ in one["removed"]]
        same([overlap for _, overlap in one["removed"]], overlaps)


ROIS = [[0, 0, 21, 21], [0, 10, 31, 31], [8, 8, 9, 9], [24, 0, 64, 40], [60, 60, 200, 90], [3.5, 7, 40, 23.9]]


@pytest.mark.parametrize("bins", [(2, 2), (3, 1), (4, 3)])
@pytest.mark.parametrize("stride", [10, 16])
def test_roi_pooling(call, rng, bins, stride):
    feature_map = rng.integers(0, 6, (5, 7)).astype(float)  # with ties
    rois, owner = np.array(ROIS, dtype=float), np.zeros(len(ROIS), dtype=int)
    values, where = textbook.roi_pool(feature_map[None, None], rois, owner, bins, 1 / stride)
    pooled = call([("roi-pooling", "roiPool", feature_map, roi, bins, 1 / stride) for roi in rois])
    same([one["values"] for one in pooled], values[:, 0])
    places = [[[p or [-1, -1] for p in line] for line in one["where"]] for one in pooled]
    assert np.array_equal(places, where[:, 0])
    back = call([("roi-pooling", "backwardOfOnes", pooled, 5, 7)])[0]
    same(back, textbook.roi_pool_backward(np.ones(values.shape), where, owner, (1, 1, 5, 7))[0, 0])


def test_cells_that_several_bins_share(call):
    rows, columns = split_into_bins(1, 3, 2, 6), split_into_bins(0, 4, 4, 4)
    used = np.zeros((6, 4), dtype=int)
    for top, bottom in rows:
        for left, right in columns:
            used[top:bottom, left:right] += 1
    given = {"rows": rows, "columns": columns}
    assert call([("roi-pooling", "timesUsed", given, 6, 4)])[0] == used.tolist()
    assert used.max() == 2
    assert call([("roi-pooling", "splitIntoBins", 1, 3, 2, 6)])[0] == [list(one) for one in rows]


@pytest.mark.parametrize("beta", [1, 0.25, 2])
def test_smooth_l1(call, beta):
    errors = [-50, -1, -0.3, 0, 1e-3, 0.25, 0.999, 1, 1.001, 2, 7.5]
    expected = []
    for x in errors:  # in units of beta the curve is the paper's
        value, slope = smooth_l1(np.array([x / beta]), np.zeros(1))
        expected.append([beta * value, slope[0]])
    same(call([("smooth-l1", "smoothL1", x, beta) for x in errors]), expected)


@pytest.mark.parametrize("seed", range(6))
def test_precision_and_recall(call, seed):
    rng = np.random.default_rng(seed)
    objects = random_boxes(rng, 6)
    objects[5] = objects[4]  # the first of equals is overlapped most
    boxes = np.concatenate([objects[rng.integers(0, 6, 14)] + [0, 0, 1, 0], random_boxes(rng, 5)])
    scores, difficult = rng.integers(0, 8, len(boxes)) / 8, rng.random(6) < 0.3
    difficult[0] = False
    found = [Found(s, 0, box) for s, box in zip(scores, boxes.tolist(), strict=True)]
    truths = [Truth(0, box, d) for box, d in zip(objects.tolist(), difficult, strict=True)]
    recall, precision = precision_recall(found, truths)
    lines = call([("precision-recall", "judge", boxes, scores, objects, difficult)])[0]
    counted = [line for line in lines if line["verdict"] != "not counted"]
    same([line["recall"] for line in counted], recall)
    same([line["precision"] for line in counted], precision)
    assert [line["index"] for line in lines] == np.argsort(-scores, kind="stable").tolist()
    same(call([("precision-recall", "averagePrecision", lines)])[0], area_under_curve(recall, precision))


def test_a_detection_at_half_an_iou_is_right_and_one_without_objects_is_not(call):
    right = ("precision-recall", "judge", [[0, 0, 10, 10]], [0.9], [[0, 0, 10, 20]], [False])
    nothing = ("precision-recall", "judge", [[0, 0, 10, 10]], [0.9], [], [])
    assert [lines[0]["verdict"] for lines in call([right, nothing])] == ["correct", "too loose"]


MODES = ("warp", "square_with_context", "square_without_context")
CROPPED = [[3, 4, 17, 9], [0, 0, 24, 18], [20, 1, 24, 18], [5, 5, 6, 6], [2.5, 3.25, 9.75, 16]]


@pytest.mark.parametrize("context", [0, 2])
@pytest.mark.parametrize("mode", MODES)
def test_crops(call, rng, mode, context):
    image = rng.integers(0, 256, (18, 24, 3)).astype(float)
    rgba = np.concatenate([image, np.full((18, 24, 1), 255.0)], axis=2)
    photo = {"data": rgba.ravel(), "width": 24, "height": 18}
    crops = call([("crops", "warpRegion", photo, box, 14, context, 127, mode) for box in CROPPED])
    for box, crop in zip(CROPPED, crops, strict=True):
        same(np.reshape(crop, (14, 14, 4))[:, :, :3], warp_region(image, box, 14, context, 127.0, mode))


def test_spans_of_crops_of_the_papers_size(call, rng):
    boxes = random_boxes(rng, 40, 200)
    given = [
        (x1, x2, y2 - y1, 300, 227, p, mode) for x1, y1, x2, y2 in boxes for p in (0, 16) for mode in MODES
    ]
    spans = call([("crops", "cropSpan", *one) for one in given])
    assert [[s["begin"], s["end"], s["pad"], s["width"]] for s in spans] == [
        list(crop_span(*g)) for g in given
    ]


def test_merges(call, rng):
    image = rng.integers(0, 256, (6, 8, 3)).repeat(8, axis=0).repeat(8, axis=1).astype(np.uint8)
    tree = SelectiveSearch("single").search(image).hierarchies[0]
    data = merge_tree(image)
    n, merges = tree.num_initial, len(tree.children)
    assert merges > 5
    labels = np.array(call([("merge-tree", "expand", data["runs"])])[0])
    assert np.array_equal(labels.reshape(tree.labels.shape), tree.labels)
    for count in (0, 1, merges // 2, merges):
        current = call([("merge-tree", "after", data["children"], n, count)])[0]
        assert np.array_equal(np.array(current)[tree.labels], tree.after(count))
    pairs = [(tree.size[list(c)], tree.boxes[list(c)], labels.size) for c in tree.children.tolist()]
    same(call([("merge-tree", "sizeAndFill", *pair) for pair in pairs]), tree.terms[:, 2:])
    same(data["terms"], tree.terms.round(6))
    leaves = call([("merge-tree", "largestLeaf", data["children"], n, data["size"])])[0]
    for region in range(len(tree)):
        own = tree.leaves(region)
        assert leaves[region] in own
        assert tree.size[leaves[region]] == tree.size[own].max()


@pytest.mark.parametrize(("name", "size"), [("tiny", 26), ("alexnet", 163), ("vgg16", 196)])
def test_receptive_fields(call, name, size):
    along = call([("receptive-field", "follow", windows(name), side) for side in (227, 230, 301)])
    assert {axis["size"] for axis in along} == {size}
    assert {axis["distance"] for axis in along} == {build_backbone(name).stride}


def test_a_cell_sees_its_field_and_nothing_else(call):
    """With weights of 1, a pixel far brighter than all others shows in every cell that sees it."""
    features = build_backbone("tiny", channels=(1, 1, 1, 1), rng=np.random.default_rng(0)).features
    for _, parameter in features.named_parameters():
        parameter.data[...] = 1.0 if parameter.data.ndim == 4 else 0.0
    features.eval()
    side = 45
    axis = call([("receptive-field", "follow", windows("tiny"), side)])[0]
    fields = call([("receptive-field", "field", axis, i) for i in range(axis["length"])])
    plain = features.forward(np.ones((1, 3, side, side), np.float32))
    assert plain.shape[2:] == (axis["length"], axis["length"])
    for pixel in range(side):
        bright = np.ones((1, 3, side, side), np.float32)
        bright[..., pixel] = 1000
        seen = (features.forward(bright) != plain)[0, 0].any(axis=0)
        assert seen.tolist() == [begin <= pixel < end for begin, end, _ in fields]


@pytest.mark.parametrize("name", ["tiny", "alexnet"])
def test_the_map_is_as_large_as_the_networks(call, name):
    backbone = build_backbone(name)
    for side in (67, 99, 128):
        shape = backbone.features.forward(np.zeros((1, 3, side, side), np.float32)).shape
        assert call([("receptive-field", "follow", windows(name), side)])[0]["length"] == shape[3]


@pytest.mark.parametrize("rounded", [True, False])
def test_anchors_of_a_cell_and_of_a_map(call, rounded):
    shapes = [(16, [0.5, 1, 2], [8, 16, 32]), (4, [1.4, 2.2], [5, 7.5]), (8, [0.3, 1 / 1.7], [1.5])]
    found = call([("anchors", "baseAnchors", *one, rounded) for one in shapes])
    for base, (size, ratios, scales) in zip(found, shapes, strict=True):
        same(base, textbook.base_anchors(size, ratios, scales, rounded))
        grid = call([("anchors", "gridAnchors", base, 3, 4, size)])[0]
        same(grid, textbook.grid_anchors(np.array(base), 3, 4, size))
    halves = [0.5, 1.5, 2.5, 11.5, 2.4999, 3.7]
    assert call([("anchors", "round", v) for v in halves]) == [round(v) for v in halves]


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("A", [12, 8, 44, 40]),
        ("B", [40, 40, 56, 56]),
        ("between", [16, 8, 48, 40]),
        ("corner", [0, 57, 7, 64]),
    ],
)
def test_labels_of_anchors(call, name, target):
    anchors = textbook.grid_anchors(textbook.base_anchors(16, [1.0, 2.0], [2.0]), 4, 4, 16)
    usable = anchors_inside(anchors, (64, 64))
    inside = call([("anchors", "inside", anchor, 64, 64) for anchor in anchors])
    assert inside == usable.tolist()
    found = call([("anchors", "labelAnchors", anchors, target, inside)])[0]
    labels, _ = textbook.label_anchors(anchors, np.array([target], float), usable)
    assert found["labels"] == labels.tolist()
    assert (1 in found["labels"]) == (name != "corner") == (found["best"] > 0)


def test_hard_negatives_are_those_of_the_miner(call):
    data = mining()
    limits = (data["hardAbove"], data["evictBelow"])
    rounds = call([("hard-negatives", "replay", data["negatives"], data["photos"], data["rounds"], *limits)])[
        0
    ]
    states = []
    photos = [data["negatives"][data["photos"] == number] for number in range(data["photos"].max() + 1)]
    settings = MiningSettings(C=1.0, bias_feature=2.0, retrain_after=2, score_rows=1)
    mined = mine_and_train(
        [data["positives"]],
        [(points, np.ones((len(points), 1), dtype=bool)) for points in photos],
        settings=settings,
        rng=np.random.default_rng(1),
        between=lambda state: states.append(state()),
    )
    for one, state in zip(rounds, states, strict=False):
        assert sorted(one["cache"]) == sorted(state.source[state.labels[:, 0] == -1].tolist())
    trained = [one for one in rounds if one["trained"]]
    assert [len(one["trainedOn"]) for one in trained] == [r.num_negatives[0] for r in mined.trace]
    assert [len(one["evicted"]) for one in trained] == [r.num_evicted[0] for r in mined.trace]
    assert sum(len(one["evicted"]) for one in rounds) > 10
    assert len(rounds) == len(photos) + 1


def test_lines_of_a_level(call):
    svms = [([0.5, 2.0], 1.0), ([-3.0, 0.25], -0.5), ([1.0, 0.0], 0.2)]
    given = [({"weight": w, "intercept": b}, level) for w, b in svms for level in (-1, 0, 1)]
    lines = call([("hard-negatives", "levelLine", svm, level, -5, 5) for svm, level in given])
    for (svm, level), ends in zip(given, lines, strict=True):
        same([np.dot(svm["weight"], end) + svm["intercept"] for end in ends], [level, level])
    flat = {"weight": [0, 0], "intercept": 0}
    assert call([("hard-negatives", "levelLine", flat, 0, -5, 5)]) == [None]


def test_a_wrong_number_would_be_noticed(call):
    with pytest.raises(AssertionError):
        same(call([("boxes", "iou", [0, 0, 2, 2], [1, 0, 3, 2])]), [1 / 3 + 1e-6])
    with pytest.raises(AssertionError, match="not a function"):
        call([("boxes", "unheard_of")])
