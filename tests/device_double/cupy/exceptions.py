from numpy.exceptions import AxisError, ComplexWarning, VisibleDeprecationWarning

__all__ = ["AxisError", "ComplexWarning", "VisibleDeprecationWarning"]
