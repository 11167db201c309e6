"""Published weights that are known here: where they lie, how large they are and how they are told."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CACHE_VARIABLE = "MINIRCNN_CACHE"
"""Of the environment: names another folder for what is fetched."""


@dataclass(frozen=True)
class PublishedWeights:
    """A file of weights that anybody can download.

    Parameters
    ----------
    backbone : str
        For which they are.
    url : str
    sha256 : str
        Of the file: all 64 digits, or as many of the first as are known. (Torchvision puts eight into the
        name and checks those.)
    size : int
        About so many bytes.
    source, license : str
    """

    backbone: str
    url: str
    sha256: str
    size: int
    source: str
    license: str

    @property
    def file_name(self) -> str:
        """The last part of the address."""
        return self.url.rpartition("/")[2]


def _torchvision(backbone: str, file: str, sha256: str, size: int) -> PublishedWeights:
    return PublishedWeights(
        backbone,
        f"https://download.pytorch.org/models/{file}-{sha256[:8]}.pth",
        sha256,
        size,
        "torchvision, trained on ImageNet",
        "BSD-3-Clause",
    )


CATALOGUE: dict[str, PublishedWeights] = {
    "squeezenet1_1": _torchvision(
        "squeezenet1_1",
        "squeezenet1_1",
        "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
        4_958_839,
    ),
    "squeezenet1_0": _torchvision("squeezenet1_0", "squeezenet1_0", "b66bff10", 5_010_000),
    "alexnet_torchvision": _torchvision(
        "alexnet_torchvision",
        "alexnet-owt",
        "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        244_408_911,
    ),
    "vgg16": _torchvision(
        "vgg16", "vgg16", "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0", 553_433_881
    ),
}
"""By name. A name stands wherever a file of weights is asked for, once its file was fetched."""


def cache_folder() -> Path:
    """Return the folder for what is fetched: ``MINIRCNN_CACHE``, or the system's own place for such files."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named)
    import pooch  # only now: nobody else needs it

    return Path(pooch.os_cache("minircnn"))


def cached_file(weights: PublishedWeights, folder: Path | None = None) -> Path:
    """Return where the file of `weights` lies once it was fetched, in `folder` or the usual one."""
    return (cache_folder() if folder is None else folder) / weights.file_name
