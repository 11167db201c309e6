"""What every source of region proposals has in common."""

from __future__ import annotations

from typing import Protocol

from minircnn.structures import FloatArray, ImageArray


class Proposer(Protocol):
    """Says where in a photo something may be, without saying what.

    Detectors take any object with this method, so sliding windows, selective search, a file of
    somebody else's boxes and the ground truth itself can be exchanged for each other.
    """

    def propose(self, image: ImageArray, *, image_id: str = "") -> FloatArray:
        """Propose regions of one photo.

        Parameters
        ----------
        image : (H, W, 3) uint8 array
            RGB.
        image_id : str
            Name of the photo, for proposers that look their boxes up.

        Returns
        -------
        (R, 4) float32 array
            ``x1, y1, x2, y2`` in pixels of `image`, half-open, inside the photo, best rank first.
        """
        ...
