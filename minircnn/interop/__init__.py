"""Detections to and from what other programs have: plain dictionaries, COCO, pandas, supervision.

Everything here is a method of :class:`minircnn.Detections`; what is read comes as its columns. The libraries
are asked for on use.
"""

from minircnn.interop.coco import from_coco, to_coco
from minircnn.interop.records import from_records
from minircnn.interop.supervision import from_supervision, to_supervision
from minircnn.interop.tables import from_pandas, to_pandas

__all__ = [
    "from_coco",
    "from_pandas",
    "from_records",
    "from_supervision",
    "to_coco",
    "to_pandas",
    "to_supervision",
]
