"""A VOC folder on disk whose objects a test chooses."""

from pathlib import Path

import numpy as np

from minircnn.imaging import write_image

HEIGHT, WIDTH = 60, 80


def object_xml(name="cat", box=(10, 20, 30, 40), difficult=0):
    corners = "".join(
        f"<{tag}>{value}</{tag}>" for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    )
    return f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>{corners}</bndbox></object>"


def annotation_xml(*objects, height=HEIGHT, width=WIDTH):
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation>{size}{''.join(objects)}</annotation>"


def make_voc(root: Path, files: dict[str, str], splits: dict[str, str] | None = None) -> Path:
    """Write one photo and one XML for each of `files`, and the lists of `splits`."""
    for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / part).mkdir(parents=True, exist_ok=True)
    for image_id, xml in files.items():
        photo = np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8)
        write_image(root / "JPEGImages" / f"{image_id}.png", photo)
        (root / "Annotations" / f"{image_id}.xml").write_text(xml, "utf-8")
    for split, ids in (splits or {"train": "\n".join(files)}).items():
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text(ids, "utf-8")
    return root
