from cupy._api import missing, names

__all__ = sorted(names("cupy.fft"))


def __getattr__(name):
    return missing("cupy.fft", name)
