"""``minircnn propose``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from cyclopts import Group, Parameter

from minircnn.cli.big_photos import note_big_photos, search_bar, sizes_of_dataset, sizes_of_files
from minircnn.cli.errors import UsageError
from minircnn.cli.files import refuse_folder_of, refuse_to_overwrite, require_writable
from minircnn.cli.options import (
    Bad,
    BadPhoto,
    DeviceName,
    Images,
    Jobs,
    Json,
    Overwrite,
    Photos,
    Seed,
    Split,
    job_count,
    note_no_device,
)
from minircnn.cli.output import note, print_json
from minircnn.cli.photos import file_name, is_photo_word, name_of, one_photo, photos_of, read_photo
from minircnn.data.opening import open_dataset
from minircnn.evaluation import proposal_recall
from minircnn.imaging import resize_image
from minircnn.proposals import (
    ProposalSettings,
    Proposer,
    SelectiveSearch,
    count_rectangles,
    make_proposer,
    write_proposals,
)
from minircnn.proposals.hierarchy import Hierarchy
from minircnn.structures import DetectionDataset, FloatArray, ImageArray
from minircnn.training import compute_proposals
from minircnn.viz import draw_proposal_hierarchy, draw_proposals, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEVELS = 5  # of the hierarchy's picture, so that with the photo it fills two rows of three


def propose(
    target: Annotated[
        str,
        Parameter(
            help="A photo, - for one from standard input, or e.g. 'example:cat'; or a data set: VOC folder, "
            "COCO .json, 'scenes'."
        ),
    ],
    /,
    *,
    out: Path = Path("proposals"),
    save: Path | None = None,
    draw: int = 200,
    split: Split = None,
    photos: Photos = None,
    on_bad_box: Bad = "error",
    on_bad_photo: BadPhoto = "error",
    images: Images = None,
    jobs: Jobs = 0,
    overwrite: Overwrite = False,
    json: Json = False,
    seed: Seed = 0,
    device: DeviceName = "cpu",
    settings: Annotated[
        ProposalSettings | None, Parameter(name="*", group=Group("Proposals", sort_key=50))
    ] = None,
) -> None:
    """Where may something be? Boxes that are likely to hold an object, of whatever class.

    Of a photo: draws the best boxes and how regions grow together into them. Of a data set: measures how
    many objects have a box that covers them, which bounds what any detector can find.

    For example:

        minircnn propose photo.jpg --mode fast

        minircnn propose VOC2007 --split test --photos 20

        minircnn propose photo.jpg --method sliding-window

        minircnn propose VOC2007 --method rpn --path runs/faster --limit 300

    Next: `minircnn train fast-rcnn DATA --out runs/fast` computes proposals by itself.
    Proposals are computed on the CPU, whatever the device.

    Parameters
    ----------
    out
        Folder of the pictures.
    save
        Also write the boxes to this file (.npz, one array per photo); `--method file --path FILE` reads it.
    draw
        Boxes drawn, best rank first.
    """
    note_no_device(device)
    chosen = settings or ProposalSettings()
    _require_path(chosen)
    workers = job_count(jobs)
    if draw < 0:
        raise UsageError(f"--draw must be 0 or more, got {draw}")
    proposer = make_proposer(chosen, seed=seed)
    path = Path(target)
    if save is not None:
        _require_place(save, [path, *([Path(chosen.path)] if chosen.path else [])], overwrite=overwrite)
    if is_photo_word(target):
        with photos_of([target]) as named:
            photo = one_photo(named, "propose")
            result, boxes = _photo(photo, proposer, chosen.limit, out, draw, overwrite, quiet=json)
    else:
        dataset = open_dataset(
            target,
            split,
            default_split="test",
            on_bad_box=on_bad_box,
            on_bad_photo=on_bad_photo,
            images=images,
            limit=photos,
        )
        result, boxes = _dataset(dataset, proposer, chosen.limit, min(workers, len(dataset)), quiet=json)
    if save is not None:
        write_proposals(save, boxes)
        note(f"boxes: {save}")
    if json:
        print_json(result)


def _require_path(chosen: ProposalSettings) -> None:
    """See that a path is named where the method reads one, and nowhere else."""
    wanted = {
        "file": "--method file needs the file of boxes: --path FILE (propose --save writes one)",
        "rpn": "--method rpn needs a trained Faster R-CNN: --path RUN (minircnn train faster-rcnn makes one)",
    }
    if chosen.method in wanted and chosen.path is None:
        raise UsageError(wanted[chosen.method])
    if chosen.method not in wanted and chosen.path is not None:
        methods = " or ".join(f"--method {method}" for method in wanted)
        raise UsageError(f"--path names a file of boxes or a detector: add {methods}, or leave it away")


def _require_place(save: Path, inputs: list[Path], *, overwrite: bool) -> None:
    """See before the work that its boxes can be written to `save`."""
    if save.suffix.lower() != ".npz":
        raise UsageError(f"--save writes .npz files: name one, e.g. {save}.npz, not {save}")
    if save.is_dir():
        raise UsageError(f"{save} is a folder: name a file with --save")
    refuse_to_overwrite([save], overwrite=overwrite, inputs=inputs, another="another file with --save")
    require_writable(save.parent, another="another file with --save")


def _photo(
    path: Path, proposer: Proposer, limit: int, out: Path, draw: int, overwrite: bool, *, quiet: bool
) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    """Propose in one photo and draw it."""
    file = Path(file_name(path))
    names = [out / f"{file.stem}.{kind}.png" for kind in ("proposals", "hierarchy")]
    refuse_folder_of([path], out)
    refuse_to_overwrite(names, overwrite=overwrite, inputs=[path])
    image = read_photo(path)
    require_writable(out)
    note_big_photos(proposer, sizes_of_files([path]), "--max-width")
    start = time.perf_counter()
    hierarchy = None
    if isinstance(proposer, SelectiveSearch):
        with search_bar(file.name):
            found = proposer.search(image)
        boxes, hierarchy = found.boxes[:limit], found.hierarchies[0]
    else:
        boxes = proposer.propose(image, image_id=path.stem)[:limit]
    seconds = time.perf_counter() - start
    height, width = image.shape[:2]
    rectangles = count_rectangles(height, width)
    if not quiet:
        print(f"{len(boxes):,} proposals in {seconds:.2f} s; the photo holds {rectangles:,} rectangles")
    save_figure(draw_proposals(image, boxes, max_drawn=draw), names[0])
    if hierarchy is not None:
        save_figure(hierarchy_figure(image, hierarchy), names[1])
        if len(hierarchy.children):
            note(f"last merge: {hierarchy.describe(len(hierarchy.children) - 1)}")
    note(f"pictures: {out}")
    result = {
        "photo": name_of(path),
        "height": height,
        "width": width,
        "seconds": seconds,
        "rectangles": rectangles,
        "proposals": len(boxes),
        "boxes": boxes,
    }
    return result, {path.stem: boxes}


def hierarchy_figure(image: ImageArray, hierarchy: Hierarchy) -> Figure:
    """Draw a grouping at a few levels, each with by and by fewer regions, in equal ratios."""
    if hierarchy.labels.shape != image.shape[:2]:  # a big photo was shrunk for the search
        image = np.rint(resize_image(image, *hierarchy.labels.shape)).astype(np.uint8)
    merges = len(hierarchy.children)
    fewest = min(8, hierarchy.num_initial)  # with less there is little to see
    left = np.unique(np.geomspace(hierarchy.num_initial, fewest, _LEVELS).round().astype(int))[::-1]
    levels = [hierarchy.after(max(0, min(merges, hierarchy.num_initial - int(n)))) for n in left]
    return draw_proposal_hierarchy(image, levels)


def _dataset(
    dataset: DetectionDataset, proposer: Proposer, limit: int, jobs: int, *, quiet: bool
) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    """Measure how well proposals cover the objects of a data set."""
    note_big_photos(proposer, sizes_of_dataset(dataset), "--max-width")
    start = time.perf_counter()
    boxes = compute_proposals(dataset, proposer, limit=limit, n_jobs=jobs)
    seconds = time.perf_counter() - start
    annotations = [dataset.annotations(index) for index in range(len(dataset))]
    recall = proposal_recall(boxes, annotations)
    if not quiet:
        print(f"{dataset.name}: {len(dataset)} photos, {recall.num_proposals:,.0f} proposals a photo")
        print(recall.table())
    note(f"{seconds:.1f} s with {jobs} process(es), {seconds / len(dataset):.2f} s a photo")
    result = {"data": dataset.name, "photos": len(dataset), "seconds": seconds, **recall.to_record()}
    return result, dict(zip(dataset.image_ids, boxes, strict=True))
