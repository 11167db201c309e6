"""The bins of all pixels as the textbook wants them, from those of the package."""

import numpy as np


def by_pixel(color_bins, texture_bins):
    """Return colour bins (H, W, C) and texture bins (H, W, 8·C) for those (C, H, W) and (C·4, H, W) given.

    An axis holds two opposite directions in bins 0..19, the strongest at both ends; to either of them a
    response to the other side counts as none.
    """
    signed = np.moveaxis(texture_bins, 0, 2)
    signed = signed.reshape(*signed.shape[:2], -1, 4)  # (H, W, C, 4)
    sides = np.concatenate([np.maximum(signed - 10, 0), np.maximum(9 - signed, 0)], axis=3)
    return np.moveaxis(color_bins, 0, 2), sides.reshape(*sides.shape[:2], -1)
