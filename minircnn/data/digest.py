"""What a photo is, whatever it is called: a digest of its content.

Names do not tell photos apart. Every COCO file numbers its photos from 0 or 1, and a photo can be replaced by
another under its old name; what is kept of a photo is therefore kept under its digest.
"""

from __future__ import annotations

import hashlib

import numpy as np

from minircnn.structures import DetectionDataset, holds_for


def photo_digest(dataset: DetectionDataset, index: int) -> str:
    """Return a digest of what photo `index` shows, 64 hexadecimal digits.

    A data set that has a cheaper way than to decode its photos (the bytes of their files) has a method
    ``photo_digest(index)``. It counts for the class that defines it and for those that leave ``image`` alone:
    who changes the pixels is asked for the pixels.
    """
    if holds_for(dataset, "photo_digest", "image"):
        return str(dataset.photo_digest(index))  # type: ignore[attr-defined]
    image = np.ascontiguousarray(dataset.image(index))
    return hashlib.sha256(f"{image.shape} {image.dtype} ".encode() + image.tobytes()).hexdigest()
