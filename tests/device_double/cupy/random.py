from ._core import API, NotModelled


def _absent(name):
    def function(*a, **k):
        raise NotModelled(f"cupy.random.{name}")

    return function


for _n in API["modules"]["cupy.random"]:
    globals()[_n] = _absent(_n)
