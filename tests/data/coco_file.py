"""A COCO file on disk whose entries a test changes."""

import json

import numpy as np

from minircnn.data import COCODataset
from minircnn.imaging import write_image


def coco_content():
    """Three photos with two objects each, of two classes."""
    images = [{"id": i, "file_name": f"{i}.png", "height": 60, "width": 80} for i in (1, 2, 3)]
    annotations = [
        {
            "id": 10 * i + k,
            "image_id": i,
            "category_id": k,
            "bbox": [k, 2 * i, 20.5, 30],
            "area": 400.5,
            "iscrowd": k - 1,
        }
        for i in (1, 2, 3)
        for k in (1, 2)
    ]
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    return {"images": images, "annotations": annotations, "categories": categories}


def save_coco(folder, content, name="some.json"):
    """Write the file and three photos, and return the file."""
    for i in (1, 2, 3):
        write_image(folder / f"{i}.png", np.full((60, 80, 3), 90, np.uint8))
    file = folder / name
    text = content if isinstance(content, str) else json.dumps(content)
    file.write_text(text, "utf-8", errors="surrogatepass")
    return file


def truth_of(dataset):
    """Return everything that a data set says of its photos."""
    return [
        (a.image_id, a.boxes.tolist(), a.labels.tolist(), a.difficult.tolist(), a.height, a.width)
        for a in (dataset.annotations(i) for i in range(len(dataset)))
    ]


def read_coco_file(file, **options):
    return COCODataset(file, file.parent, **options)
