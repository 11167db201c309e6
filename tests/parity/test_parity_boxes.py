"""IoU, suppression and coding of boxes against PyTorch arithmetic and OpenCV."""

import numpy as np
import pytest

from minircnn.boxes import batched_nms, box_iou, decode, encode, nms


def proposals(rng, count, clusters=15):
    """Overlapping boxes around a few places, with scores all different."""
    centres = rng.uniform(50, 450, (clusters, 2))[rng.integers(0, clusters, count)]
    centres = centres + rng.normal(0, 10, (count, 2))
    sides = rng.uniform(20, 100, (count, 2))
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)
    return boxes.astype(np.float32), rng.permutation(count).astype(np.float32) / count


def torch_iou(torch, a, b):
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    common = (high - low).clamp(min=0).prod(dim=2)
    area_a, area_b = ((x[:, 2:] - x[:, :2]).prod(dim=1) for x in (a, b))
    return common / (area_a[:, None] + area_b[None, :] - common)


def torch_nms(torch, boxes, scores, threshold):
    order = torch.argsort(scores, descending=True, stable=True)
    kept = []
    while order.numel():
        kept.append(int(order[0]))
        overlap = torch_iou(torch, boxes[order[:1]], boxes[order[1:]])[0]
        order = order[1:][~(overlap > threshold)]
    return kept


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_iou_equals_torch(rng, dtype):
    torch = pytest.importorskip("torch")
    a, b = proposals(rng, 200)[0].astype(dtype), proposals(rng, 150)[0].astype(dtype)
    expected = torch_iou(torch, torch.from_numpy(a), torch.from_numpy(b)).numpy()
    tolerance = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(box_iou(a, b), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_nms_equals_torch(rng, threshold):
    torch = pytest.importorskip("torch")
    boxes, scores = proposals(rng, 700)
    expected = torch_nms(torch, torch.from_numpy(boxes), torch.from_numpy(scores), threshold)
    assert nms(boxes, scores, threshold).tolist() == expected


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_nms_equals_torchvision(rng, threshold):
    ops = pytest.importorskip("torchvision.ops")
    torch = pytest.importorskip("torch")
    boxes, scores = proposals(rng, 1500)
    labels = rng.integers(1, 21, len(boxes))
    t_boxes, t_scores = torch.from_numpy(boxes), torch.from_numpy(scores)
    assert nms(boxes, scores, threshold).tolist() == ops.nms(t_boxes, t_scores, threshold).tolist()
    expected = [
        np.flatnonzero(labels == k)[ops.nms(t_boxes[labels == k], t_scores[labels == k], threshold).numpy()]
        for k in range(1, 21)
    ]
    together = np.concatenate(expected)
    together = together[np.argsort(-scores[together], kind="stable")]
    assert batched_nms(boxes, scores, labels, threshold).tolist() == together.tolist()


@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_nms_equals_opencv(rng, threshold):
    cv2 = pytest.importorskip("cv2")
    boxes, scores = proposals(rng, 700)
    boxes = np.round(boxes)  # OpenCV takes whole pixels here, as x, y, width, height
    sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).astype(int)
    expected = cv2.dnn.NMSBoxes(sizes.tolist(), (scores + 1).tolist(), 0.0, threshold)
    assert nms(boxes, scores, threshold).tolist() == np.ravel(expected).tolist()


def test_coding_equals_torch(rng):
    torch = pytest.importorskip("torch")
    p, g = proposals(rng, 300)[0], proposals(rng, 300)[0]
    tp, tg = torch.from_numpy(p).double(), torch.from_numpy(g).double()
    size_p, size_g = tp[:, 2:] - tp[:, :2], tg[:, 2:] - tg[:, :2]
    shift = ((tg[:, :2] + tg[:, 2:]) / 2 - (tp[:, :2] + tp[:, 2:]) / 2) / size_p
    expected = torch.cat([shift, torch.log(size_g / size_p)], dim=1).numpy()
    p, g = p.astype(np.float64), g.astype(np.float64)
    np.testing.assert_allclose(encode(p, g), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(decode(p, expected), g, rtol=0, atol=1e-10)
