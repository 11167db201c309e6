"""Data sets: the built-in scenes, PASCAL VOC folders, COCO JSON, and what is checked and changed in them."""

from minircnn.data.scenes import Scenes

__all__ = ["Scenes"]
