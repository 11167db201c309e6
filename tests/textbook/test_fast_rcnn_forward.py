"""The whole network in loops against the one that detects."""

import numpy as np

from minircnn import textbook
from minircnn.backbones import build_backbone
from minircnn.boxes import decode
from minircnn.detectors import FastRCNNNetwork
from minircnn.nn import softmax


def test_equals_the_network(rng):
    backbone = build_backbone("tiny", rng=rng, channels=(3, 4, 4, 4), widths=(8, 8), roi_size=3)
    network = FastRCNNNetwork(backbone, 2, rng=rng)
    network.eval()
    weights = {}
    for name, values in network.state_dict().items():  # features.conv1.weight, ..., outputs.bbox_pred.bias
        weights[name.split(".", 1)[1]] = values + 0.1 * rng.standard_normal(values.shape).astype(np.float32)
    network.load_state_dict({name: weights[name.split(".", 1)[1]] for name in network.state_dict()})
    layers = [name for name, _ in network.features.children() if not name.startswith("relu")]

    image = (0.2 * rng.standard_normal((3, 21, 26))).astype(np.float32)
    rois = np.array([[0.0, 0, 26, 21], [3, 2, 17, 19], [9.5, 4.25, 14, 20], [22, 15, 40, 30]])
    mean, std = rng.standard_normal((3, 4)), rng.uniform(0.1, 0.3, (3, 4))
    probabilities, boxes = textbook.fast_rcnn_forward(weights, layers, image, rois, 3, mean, std)

    cls_score, bbox_pred = network(image[None], rois, np.zeros(4, int))
    assert layers == ["conv1", "pool1", "conv2", "pool2", "conv3", "conv4"]
    np.testing.assert_allclose(probabilities, softmax(cls_score), rtol=1e-4)
    offsets = bbox_pred.reshape(4, 3, 4) * std + mean
    np.testing.assert_allclose(boxes, decode(rois, offsets), rtol=1e-4)
    assert len(np.unique(probabilities[:, 0].round(3))) == 4  # four regions, four answers
