from cupy._api import missing, names

__all__ = sorted(names("cupy.random"))


def __getattr__(name):
    return missing("cupy.random", name)
