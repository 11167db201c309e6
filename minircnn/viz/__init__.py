"""Pictures of every step and an HTML report; needs ``pip install 'minircnn[viz]'``.

Importing this package needs nothing beyond NumPy; matplotlib and Jinja2 are asked for on use.
"""

from minircnn.viz.anchors import draw_anchor_sizes, draw_anchors, draw_objectness
from minircnn.viz.cascade import (
    draw_cascade_training,
    draw_haar_features,
    draw_integral_image,
    draw_surviving_windows,
)
from minircnn.viz.circuit import Gate, Wire, draw_circuit
from minircnn.viz.curves import draw_bars, draw_loss_curves, draw_precision_recall, draw_sliding_window
from minircnn.viz.errors import draw_error, draw_stacked_bars
from minircnn.viz.experiments import draw_experiment, draw_experiment_curves
from minircnn.viz.features import draw_feature_map, draw_receptive_field, draw_warps
from minircnn.viz.hog import draw_gradients, draw_hog, draw_hog_weights, draw_rounds, draw_score_maps
from minircnn.viz.kernels import draw_corner_grid, draw_maxima_table, draw_tiles
from minircnn.viz.keypoints import draw_keypoints, draw_matches
from minircnn.viz.ladder import draw_class_maps, draw_ladder
from minircnn.viz.lecture import (
    draw_average_precision,
    draw_box_sizes,
    draw_curves,
    draw_tasks,
    paint_regions,
)
from minircnn.viz.merge_tree import draw_merge_tree
from minircnn.viz.photo import Verdict, draw_boxes, draw_detections, judge
from minircnn.viz.pooling import draw_roi_align, draw_roi_gradient, draw_roi_pool
from minircnn.viz.proposals import draw_proposal_hierarchy, draw_proposals
from minircnn.viz.report import Report
from minircnn.viz.selection import draw_nms, draw_sampled_rois
from minircnn.viz.style import save_figure
from minircnn.viz.training_curves import draw_stages, draw_training
from minircnn.viz.visual_words import draw_votes, draw_word_places, draw_word_training, draw_words

__all__ = [
    "Gate",
    "Report",
    "Verdict",
    "Wire",
    "draw_anchor_sizes",
    "draw_anchors",
    "draw_average_precision",
    "draw_bars",
    "draw_box_sizes",
    "draw_boxes",
    "draw_cascade_training",
    "draw_circuit",
    "draw_class_maps",
    "draw_corner_grid",
    "draw_curves",
    "draw_detections",
    "draw_error",
    "draw_experiment",
    "draw_experiment_curves",
    "draw_feature_map",
    "draw_gradients",
    "draw_haar_features",
    "draw_hog",
    "draw_hog_weights",
    "draw_integral_image",
    "draw_keypoints",
    "draw_ladder",
    "draw_loss_curves",
    "draw_matches",
    "draw_maxima_table",
    "draw_merge_tree",
    "draw_nms",
    "draw_objectness",
    "draw_precision_recall",
    "draw_proposal_hierarchy",
    "draw_proposals",
    "draw_receptive_field",
    "draw_roi_align",
    "draw_roi_gradient",
    "draw_roi_pool",
    "draw_rounds",
    "draw_sampled_rois",
    "draw_score_maps",
    "draw_sliding_window",
    "draw_stacked_bars",
    "draw_stages",
    "draw_surviving_windows",
    "draw_tasks",
    "draw_tiles",
    "draw_training",
    "draw_votes",
    "draw_warps",
    "draw_word_places",
    "draw_word_training",
    "draw_words",
    "judge",
    "paint_regions",
    "save_figure",
]
