"""The lecture's algorithms as plain loops: what the fast code of the other packages means.

Each function fits on a screen and is written to be read beside the paper that it names. Nothing is left out
and nothing is fast: a photo of a few hundred pixels takes minutes. The tests compare every fast kernel with
its loops, and the walkthroughs show and run them.

Examples
--------
>>> from minircnn import textbook
>>> textbook.iou((0, 0, 4, 4), (2, 0, 4, 4))  # 8 / 16
0.5
>>> boxes = np.array([[0, 0, 4, 4], [0, 0, 4, 3], [8, 8, 9, 9]])
>>> textbook.nms(boxes, np.array([0.8, 0.9, 0.3]), 0.5)
[1, 2]
>>> textbook.area_under_curve([0.5, 1.0], [1.0, 0.5])  # ½ · 1 + ½ · ½
0.75
>>> textbook.split_into_bins(0, 3, 2, 4)  # two bins of three cells share the middle one
[(0, 2), (1, 3)]
"""

from minircnn.textbook.anchors import base_anchors, grid_anchors, label_anchors
from minircnn.textbook.average_precision import (
    Found,
    Truth,
    area_under_curve,
    eleven_point_average,
    precision_recall,
)
from minircnn.textbook.boosting import WeakClassifier, ada_boost, is_positive, passes_cascade
from minircnn.textbook.boxes import box_iou, clip_box, decode, encode, iou
from minircnn.textbook.convolution import conv2d, conv2d_backward
from minircnn.textbook.fast_rcnn import fast_rcnn_forward
from minircnn.textbook.filters import correlate2d, gaussian, gaussian_gradient, resize, resize_exact, smooth
from minircnn.textbook.fully_connected import linear, linear_backward, relu, relu_backward
from minircnn.textbook.grouping import group_boxes
from minircnn.textbook.hard_negative_mining import mine_hard_negatives
from minircnn.textbook.hog import (
    block_histogram,
    cell_share,
    hog_blocks,
    normalize_block,
    orientation_votes,
    pixel_beyond,
    quick_angle,
    strongest_gradient,
    window_scores,
)
from minircnn.textbook.integral_image import (
    box_sum,
    haar_value,
    integral_image,
    tilted_box_sum,
    tilted_integral_image,
)
from minircnn.textbook.linear_svm import fit_linear_svm
from minircnn.textbook.losses import multi_task_loss, smooth_l1, softmax, softmax_cross_entropy
from minircnn.textbook.normalization import local_response_norm
from minircnn.textbook.pooling import first_maximum, max_pool2d, max_pool2d_backward
from minircnn.textbook.region_features import (
    Region,
    color_bins,
    describe_region,
    merge_regions,
    neighbouring_pairs,
    similarities,
    texture_bins,
)
from minircnn.textbook.region_proposal_network import propose, rpn_loss
from minircnn.textbook.ridge_regression import fit_ridge_regression
from minircnn.textbook.roi_alignment import bin_points, cells_around, roi_align, roi_align_backward
from minircnn.textbook.roi_pooling import pool_bins, roi_pool, roi_pool_backward, split_into_bins
from minircnn.textbook.segmentation import graph_segmentation, grid_edges
from minircnn.textbook.segmentation_measures import mean_iou, panoptic_quality
from minircnn.textbook.selective_search import hierarchical_grouping, selective_search
from minircnn.textbook.sift import is_extremum, orientation_histogram, sift_descriptor
from minircnn.textbook.spatial_pyramid import spatial_pyramid_pool, spatial_pyramid_pool_backward
from minircnn.textbook.suppression import greedy_suppression, nms, vote_boxes
from minircnn.textbook.upsampling import neighbours, upsample_bilinear, upsample_bilinear_backward
from minircnn.textbook.visual_words import best_box, lloyd_step, nearest_word, word_histogram
from minircnn.textbook.warping import CropSpan, crop_span, warp_region

__all__ = [
    "CropSpan",
    "Found",
    "Region",
    "Truth",
    "WeakClassifier",
    "ada_boost",
    "area_under_curve",
    "base_anchors",
    "best_box",
    "bin_points",
    "block_histogram",
    "box_iou",
    "box_sum",
    "cell_share",
    "cells_around",
    "clip_box",
    "color_bins",
    "conv2d",
    "conv2d_backward",
    "correlate2d",
    "crop_span",
    "decode",
    "describe_region",
    "eleven_point_average",
    "encode",
    "fast_rcnn_forward",
    "first_maximum",
    "fit_linear_svm",
    "fit_ridge_regression",
    "gaussian",
    "gaussian_gradient",
    "graph_segmentation",
    "greedy_suppression",
    "grid_anchors",
    "grid_edges",
    "group_boxes",
    "haar_value",
    "hierarchical_grouping",
    "hog_blocks",
    "integral_image",
    "iou",
    "is_extremum",
    "is_positive",
    "label_anchors",
    "linear",
    "linear_backward",
    "lloyd_step",
    "local_response_norm",
    "max_pool2d",
    "max_pool2d_backward",
    "mean_iou",
    "merge_regions",
    "mine_hard_negatives",
    "multi_task_loss",
    "nearest_word",
    "neighbouring_pairs",
    "neighbours",
    "nms",
    "normalize_block",
    "orientation_histogram",
    "orientation_votes",
    "panoptic_quality",
    "passes_cascade",
    "pixel_beyond",
    "pool_bins",
    "precision_recall",
    "propose",
    "quick_angle",
    "relu",
    "relu_backward",
    "resize",
    "resize_exact",
    "roi_align",
    "roi_align_backward",
    "roi_pool",
    "roi_pool_backward",
    "rpn_loss",
    "selective_search",
    "sift_descriptor",
    "similarities",
    "smooth",
    "smooth_l1",
    "softmax",
    "softmax_cross_entropy",
    "spatial_pyramid_pool",
    "spatial_pyramid_pool_backward",
    "split_into_bins",
    "strongest_gradient",
    "texture_bins",
    "tilted_box_sum",
    "tilted_integral_image",
    "upsample_bilinear",
    "upsample_bilinear_backward",
    "vote_boxes",
    "warp_region",
    "window_scores",
    "word_histogram",
]
