"""``minircnn detect``."""

from __future__ import annotations

import dataclasses
import json as json_format
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from tqdm.auto import tqdm

from minircnn.cli.errors import CommandFailed, complain
from minircnn.cli.files import find_photos, refuse_to_overwrite
from minircnn.cli.options import DeviceName, Json, Model, Overwrite, Seed
from minircnn.cli.output import note, print_json, table
from minircnn.cli.running import open_detector, parse_svd, usual_min_score
from minircnn.imaging import ImageError, read_image
from minircnn.proposals import ProposalFile
from minircnn.structures import Detections
from minircnn.viz import draw_detections, save_figure


def detect(
    model: Model,
    images: Annotated[list[Path], Parameter(help="Photos, or folders of photos.", negative="")],
    /,
    *,
    out: Path = Path("detections"),
    min_score: float | None = None,
    svd: str | None = None,
    proposals: Path | None = None,
    overwrite: Overwrite = False,
    json: Json = False,
    seed: Seed = 0,
    device: DeviceName = "cpu",
) -> None:
    """Find the objects in photos.

    For every photo NAME the folder receives NAME.png, the photo with its boxes, and NAME.json, the same as
    numbers: class, score and box (x1, y1, x2, y2 in pixels from the top left corner). Photos that cannot be
    read are named at the end, with exit code 1.

    For example:

        minircnn detect runs/fast photo.jpg --min-score 0.7

    Next: `minircnn explain runs/fast photo.jpg` shows how the boxes came about.

    Parameters
    ----------
    out
        Folder of the results.
    min_score
        Weaker detections are left out. Default: 0.5 for Fast R-CNN, whose scores are probabilities; 0 for
        R-CNN, whose scores are SVM margins.
    svd
        Replace fully connected layers by their truncated SVD, e.g. fc6=1024,fc7=256: faster, nearly equal
        (Fast R-CNN, section 3.1).
    proposals
        Take the candidate boxes from this file instead of computing them; photos are looked up by name.
    """
    photos = find_photos(images)
    refuse_to_overwrite(
        (out / f"{photo.stem}{ending}" for photo in photos for ending in (".png", ".json")),
        overwrite=overwrite,
    )
    detector = open_detector(model, svd=parse_svd(svd), device=device)
    if proposals is not None:
        detector = dataclasses.replace(detector, proposer=ProposalFile(proposals))
    least = usual_min_score(detector) if min_score is None else min_score
    results, unreadable = [], []
    for photo in tqdm(photos, desc="detecting", unit="photo", delay=1):
        try:
            image = read_image(photo)
        except ImageError as error:
            unreadable.append(error)  # one broken file does not cost the others their result
            continue
        found = detector.detect(image, image_id=photo.stem).above(least)
        figure = draw_detections(image, found, min_score=least)
        picture = save_figure(figure, out / f"{photo.stem}.png")
        record = _record(photo, picture, image.shape[:2], found)
        (out / f"{photo.stem}.json").write_text(json_format.dumps(record, indent=2) + "\n", encoding="utf-8")
        results.append((record, found))
    _announce(results, out, least, json=json)
    for reason in unreadable:
        complain(str(reason))
    if unreadable:
        raise CommandFailed("some photos cannot be read")


def _announce(
    results: list[tuple[dict[str, Any], Detections]], out: Path, least: float, *, json: bool
) -> None:
    """Print what was found and where it lies; with nothing found, what to try."""
    if json:
        print_json([record for record, _ in results])
    elif results:
        rows = [[record["image"], len(found), _summary(found)] for record, found in results]
        print(table(["photo", "found", "best of each class"], rows))
    if results:
        note(f"pictures and JSON: {out}")
        if not any(len(found) for _, found in results):
            note(f"nothing scores {least:g} or more: try a lower --min-score")


def _record(photo: Path, picture: Path, size: tuple[int, int], found: Detections) -> dict[str, Any]:
    return {
        "image": str(photo),
        "height": size[0],
        "width": size[1],
        "picture": str(picture),
        "detections": found.to_records(),
    }


def _summary(found: Detections) -> str:
    """Return e.g. ``dog 0.98, car 0.71 (2)``: per class the best score and how many there are."""
    names = found.names()
    parts = []
    for name in dict.fromkeys(names):  # best score first, as the detections are
        count = names.count(name)
        best = float(found.scores[names.index(name)])
        parts.append(f"{name} {best:.2f}" + (f" ({count})" if count > 1 else ""))
    return ", ".join(parts) or "nothing"
