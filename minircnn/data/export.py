"""Write any data set as a PASCAL VOC folder."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from minircnn import files
from minircnn.imaging import write_image
from minircnn.structures import Annotations, DetectionDataset


def voc_tree(annotations: Annotations, filename: str, folder: str = "VOC") -> ElementTree[Element]:
    """Return `annotations` as the XML tree of one VOC file.

    Boxes are written as 1-based inclusive pixels, ``(x1 + 1, y1 + 1, x2, y2)``, with decimals only where
    they are needed.

    Examples
    --------
    >>> from minircnn import Annotations
    >>> from minircnn.data import voc_tree
    >>> truth = Annotations(np.array([[0.0, 0, 4, 3]]), np.array([1]), ("cat",), height=5, width=10)
    >>> [edge.text for edge in voc_tree(truth, "a.jpg").find("object/bndbox")]
    ['1', '1', '4', '3']
    """
    root = Element("annotation")
    SubElement(root, "folder").text = folder
    SubElement(root, "filename").text = filename
    size = SubElement(root, "size")
    for tag, value in (("width", annotations.width), ("height", annotations.height), ("depth", 3)):
        SubElement(size, tag).text = str(value)
    for box, label, difficult in zip(
        annotations.boxes.tolist(), annotations.labels, annotations.difficult, strict=True
    ):
        node = SubElement(root, "object")
        SubElement(node, "name").text = annotations.class_names[label - 1]
        SubElement(node, "difficult").text = str(int(difficult))
        corners = SubElement(node, "bndbox")
        inclusive = (box[0] + 1, box[1] + 1, box[2], box[3])
        for tag, corner in zip(("xmin", "ymin", "xmax", "ymax"), inclusive, strict=True):
            SubElement(corners, tag).text = str(int(corner)) if corner == int(corner) else repr(corner)
    indent(root)
    return ElementTree(root)


def export_voc(
    dataset: DetectionDataset,
    folder: str | Path,
    split: str,
    *,
    image_format: Literal["png", "jpg"] = "png",
    indices: Sequence[int] | None = None,
) -> None:
    """Write `dataset` as the list `split` of the VOC folder `folder`.

    Several splits may be written into one folder, one after the other, if their image ids differ.

    Parameters
    ----------
    dataset : DetectionDataset
    folder : str or Path
        Made if absent; gets ``Annotations``, ``JPEGImages`` and ``ImageSets/Main``.
    split : str
        Name of the list, ``ImageSets/Main/<split>.txt``; an earlier one is replaced.
    image_format : {"png", "jpg"}
        PNG keeps every pixel. Programs that insist on VOC's own ``.jpg`` need ``"jpg"``.
    indices : sequence of int, optional
        Which photos to write. Default: all.

    Raises
    ------
    ValueError
        If an image id cannot be a file name.
    ImageError
        If a photo cannot be written.
    """
    folder = Path(folder)
    chosen = range(len(dataset)) if indices is None else indices
    unusable = [i for i in (dataset.image_ids[j] for j in chosen) if i != Path(i).name or i.split() != [i]]
    if unusable:
        raise ValueError(f"image ids must be plain file names without spaces, got {unusable[0]!r}")
    (folder / "JPEGImages").mkdir(parents=True, exist_ok=True)
    for index in chosen:
        image_id = dataset.image_ids[index]
        filename = f"{image_id}.{image_format}"
        write_image(folder / "JPEGImages" / filename, dataset.image(index))
        xml = io.BytesIO()
        voc_tree(dataset.annotations(index), filename, folder.name).write(xml, encoding="utf-8")
        files.write_bytes(folder / "Annotations" / f"{image_id}.xml", xml.getvalue())
    lines = "".join(f"{dataset.image_ids[index]}\n" for index in chosen)
    files.write_text(folder / "ImageSets" / "Main" / f"{split}.txt", lines)
