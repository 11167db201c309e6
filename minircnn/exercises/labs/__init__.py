"""The labs, a file each, in the order of the lecture; importing one enters it into LABS."""

from minircnn.exercises.labs import (  # noqa: F401, I001  (the order is that of the list)
    iou,
    integral_image,
    graph_segmentation,
    conv_forward,
    conv_backward,
    max_pool_backward,
    softmax_cross_entropy,
    hard_negative_mining,
    encode_decode,
    nms,
    roi_pool,
    smooth_l1,
    average_precision,
    mean_iou,
    panoptic_quality,
)
