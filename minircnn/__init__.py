"""R-CNN and Fast R-CNN from scratch in NumPy, with an optional CuPy backend."""

__version__ = "0.1.0"
