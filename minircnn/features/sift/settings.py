"""What SIFT leaves to choose, and the two sets of choices that have names."""

from __future__ import annotations

from dataclasses import dataclass

from minircnn.checks import flag, optional, real, require, whole


@dataclass(frozen=True)
class SiftSettings:
    """How key points are found and described; the defaults are the paper's (Lowe, IJCV 2004)."""

    levels: int = 3
    """Scales sampled in each octave (section 3.2)."""
    sigma: float = 1.6
    """Blur of the first level of an octave, in its pixels (section 3.3)."""
    camera_blur: float = 0.5
    """Blur that the photo is taken to have, in its own pixels (section 3.3)."""
    contrast: float = 0.03
    """An extremum of a smaller absolute value is dropped, where white is 1 (section 4)."""
    least_difference: float = 0.0
    """Only pixels whose difference of Gaussians is beyond so many grey levels are looked at."""
    edge_ratio: float = 10.0
    """Largest ratio of the principal curvatures (section 4.1)."""
    strict: bool = True
    """An extremum is beyond all 26 neighbours; False: it may equal some."""
    smooth_histogram: bool = False
    """Smooth the histogram of orientations with 1 4 6 4 1 before its peaks are found."""
    polynomial_angles: bool = False
    """Approximate arctangents by OpenCV's polynomial, which is up to 0.01° off."""
    whole_numbers: bool = False
    """Round descriptors to 0..255, 512 standing for a length of 1; False: unit vectors."""
    legacy_quarter_pixel: bool = False
    """Give positions as OpenCV does: centres of pixels are whole numbers, and pixel u of the doubled photo is
    taken to lie at u/2, a quarter of a pixel off. False: at (u + ½)/2 in half-open coordinates."""
    limit: int | None = None
    """Keep so many key points, those of the largest contrast; None: all."""

    def __post_init__(self) -> None:
        require(self, "sift", levels=whole(1, 20), sigma=real(0.5, 10), camera_blur=real(0, 2))
        require(self, "sift", contrast=real(0, 1), least_difference=real(0, 255), edge_ratio=real(1))
        require(self, "sift", strict=flag, smooth_histogram=flag, polynomial_angles=flag, whole_numbers=flag)
        require(self, "sift", legacy_quarter_pixel=flag, limit=optional(whole(1)))


SIFT_STYLES: dict[str, SiftSettings] = {
    "paper": SiftSettings(),
    "opencv": SiftSettings(
        contrast=0.04 / 3,
        least_difference=1.0,
        strict=False,
        smooth_histogram=True,
        polynomial_angles=True,
        whole_numbers=True,
        legacy_quarter_pixel=True,
    ),
}
"""``paper``: Lowe 2004. ``opencv``: the numbers of ``cv2.SIFT_create()``."""
