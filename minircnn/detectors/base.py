"""What every detector offers, whatever its parts."""

from __future__ import annotations

from typing import Protocol

from minircnn.structures import Detections, FloatArray, ImageArray


class Detector(Protocol):
    """A trained detector: a photo in, labelled boxes out."""

    class_names: tuple[str, ...]

    def detect(
        self, image: ImageArray, *, proposals: FloatArray | None = None, image_id: str = ""
    ) -> Detections:
        """Find the objects in `image`.

        Parameters
        ----------
        image : (H, W, 3) uint8 array
            RGB photo.
        proposals : (R, 4) float array, optional
            Candidate boxes in pixels of `image`; default: the detector's own proposer is run.
        image_id : str
            Handed to the proposer, for proposers that look boxes up by photo.

        Returns
        -------
        Detections
            Best score first.
        """
        ...
