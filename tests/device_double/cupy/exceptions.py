from numpy.exceptions import (
    AxisError,
    ComplexWarning,
    ModuleDeprecationWarning,
    TooHardError,
    VisibleDeprecationWarning,
)


class RankWarning(UserWarning):
    pass
