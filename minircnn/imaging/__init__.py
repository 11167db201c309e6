"""Photos: reading, resizing, warping regions, colour spaces."""

from minircnn.imaging.colour import COLOUR_SPACES, ColourSpace, convert
from minircnn.imaging.device_warp import gather_regions, with_border
from minircnn.imaging.exact_grey import as_grey, exact_grey
from minircnn.imaging.exact_resize import resize_exact
from minircnn.imaging.filters import gaussian_gradient, gaussian_kernel, smooth
from minircnn.imaging.index_maps import read_id_map, read_index_map, voc_palette, write_index_map
from minircnn.imaging.photo import as_image
from minircnn.imaging.read import (
    OTHER_ENDINGS,
    PHOTO_ENDINGS,
    ImageError,
    PhotoHeader,
    read_header,
    read_image,
    write_image,
)
from minircnn.imaging.resize import resize_image, scale_factor, scale_to
from minircnn.imaging.warp import WarpMode, warp_frame, warp_regions

__all__ = [
    "COLOUR_SPACES",
    "OTHER_ENDINGS",
    "PHOTO_ENDINGS",
    "ColourSpace",
    "ImageError",
    "PhotoHeader",
    "WarpMode",
    "as_grey",
    "as_image",
    "convert",
    "exact_grey",
    "gather_regions",
    "gaussian_gradient",
    "gaussian_kernel",
    "read_header",
    "read_id_map",
    "read_image",
    "read_index_map",
    "resize_exact",
    "resize_image",
    "scale_factor",
    "scale_to",
    "smooth",
    "voc_palette",
    "warp_frame",
    "warp_regions",
    "with_border",
    "write_image",
    "write_index_map",
]
