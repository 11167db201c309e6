"""What goes across the papers: proposals, time, transfer, the systems side by side."""

from minircnn.experiments.across import classical, proposals, proposals_recall, timing, transfer

__all__ = ["classical", "proposals", "proposals_recall", "timing", "transfer"]
