"""What goes across the papers: proposals, time, transfer, the systems side by side."""

from minircnn.experiments.across import transfer

__all__ = ["transfer"]
