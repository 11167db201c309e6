"""Photos: reading, resizing, warping regions, colour spaces."""

from minircnn.imaging.colour import COLOUR_SPACES, ColourSpace, convert
from minircnn.imaging.read import ImageError, read_image, write_image
from minircnn.imaging.resize import resize_image, scale_to
from minircnn.imaging.warp import WarpMode, warp_frame, warp_regions

__all__ = [
    "COLOUR_SPACES",
    "ColourSpace",
    "ImageError",
    "WarpMode",
    "convert",
    "read_image",
    "resize_image",
    "scale_to",
    "warp_frame",
    "warp_regions",
    "write_image",
]
