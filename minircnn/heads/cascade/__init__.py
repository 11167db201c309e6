"""The attentional cascade: its record, its files, and every window of a photo through it."""

from minircnn.heads.cascade.opencv_xml import CascadeFileError, read_cascade
from minircnn.heads.cascade.record import Cascade, WeakTree, build_cascade
from minircnn.heads.cascade.scaled import scale_cascade
from minircnn.heads.cascade.scan import ScannedWindows, judge_windows, scan
from minircnn.heads.cascade.settings import ScanSettings

__all__ = [
    "Cascade",
    "CascadeFileError",
    "ScanSettings",
    "ScannedWindows",
    "WeakTree",
    "build_cascade",
    "judge_windows",
    "read_cascade",
    "scale_cascade",
    "scan",
]
