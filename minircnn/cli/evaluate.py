"""``minircnn evaluate``."""

from __future__ import annotations

import json as json_format
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter
from cyclopts.validators import Number

from minircnn import files
from minircnn.cli.big_photos import note_big_photos, sizes_of_dataset
from minircnn.cli.detection_files import targets, write_detections
from minircnn.cli.error_report import errors_text
from minircnn.cli.errors import UsageError
from minircnn.cli.evaluation_page import page_files, write_pages
from minircnn.cli.files import refuse_to_overwrite, require_places, require_writable
from minircnn.cli.judging import detect_all, read_all, say_what_is_not_shared
from minircnn.cli.measuring import Measured, Metric, measure
from minircnn.cli.options import (
    Bad,
    BadPhoto,
    Batch,
    DeviceName,
    Images,
    Json,
    NetworkJobs,
    Overwrite,
    Photos,
    Seed,
    Split,
    job_count,
    network_job_count,
    note_no_device,
)
from minircnn.cli.output import note, print_json
from minircnn.cli.running import open_detector, parse_svd
from minircnn.data.opening import SCENES, FirstPhotos, open_dataset
from minircnn.evaluation.errors import BACKGROUND_IOU
from minircnn.evaluation.pairing import require_threshold

_DEFAULT_SPLIT = "test"
_USUAL_SCORE = 0.5  # from which detections of a file are kept in pictures where nothing is right
_WAYS = (
    "name a detector and a data set (minircnn evaluate RUN DATA, or minircnn evaluate pretrained DATA), or a "
    "data set and its detections (minircnn evaluate DATA --detections FILE)"
)


def evaluate(
    model: Annotated[
        str,
        Parameter(
            help="A trained detector: model.safetensors, the run's folder, or 'pretrained' for the one that "
            "comes with minircnn. With --detections the data set takes its place."
        ),
    ],
    data: Annotated[
        str | None,
        Parameter(
            help="Data set: a PASCAL VOC folder, a COCO instances file (.json), or 'scenes' for the built-in "
            "digits on photos."
        ),
    ] = None,
    /,
    *,
    detections: Path | None = None,
    save_detections: Path | None = None,
    split: Split = None,
    metric: Metric = "voc",
    iou: float | None = None,
    errors: Annotated[bool, Parameter(negative="")] = False,
    bootstrap: Annotated[int, Parameter(validator=Number(gte=0))] = 0,
    out: Path | None = None,
    svd: str | None = None,
    proposal_folder: Path | None = None,
    photos: Photos = None,
    on_bad_box: Bad = "error",
    on_bad_photo: BadPhoto = "error",
    images: Images = None,
    batch: Batch = None,
    jobs: NetworkJobs = 0,
    overwrite: Overwrite = False,
    json: Json = False,
    seed: Seed = 0,
    device: DeviceName = "cpu",
) -> None:
    """Measure a detector on a data set, class by class.

    A detection is right if it overlaps an object of its class by an IoU of at least 0.5 and is the first to
    do so; the average precision of a class sums that up over all scores, and mAP is the mean over the classes
    that occur. What the proposals miss the detector cannot find, so their recall is printed too.

    Classes are told by their names: one that the detector does not know counts with an average precision of 0
    where it occurs, and one that the data set does not have is left out of the mean.

    For example:

        minircnn evaluate runs/fast VOC2007 --split test --out reports/fast

    Detections can be kept in a file. Such files, of whatever program, are measured without a detector and
    without photos:

        minircnn evaluate runs/fast VOC2007 --save-detections found.json
        minircnn evaluate VOC2007 --detections found.json --metric voc07

    Next: --errors says what to mend first; look at the false detections in the report; `minircnn explain`
    shows one photo in depth.

    Parameters
    ----------
    detections
        Measure these in the place of a detector's: COCO's results (.json), a folder of the VOC devkit's
        comp4_det_SPLIT_CLASS.txt, or the folder that minircnn detect wrote.
    save_detections
        Write what was found: COCO's results if the name ends in .json, else a folder of the devkit's files.
    metric
        voc: area under the precision-recall curve; voc07: its mean at 11 recalls, as in 2007;
        voc07-published: the same as the published Python code has it, which misses recalls of exactly 0.3,
        0.6 and 0.7; coco: the mean over IoU 0.5 to 0.95, with its eleven companions.
    iou
        IoU from which a detection is right. Default: 0.5.
    errors
        Also say what goes wrong, and what mAP would gain if it were mended: wrong class, loose box, both,
        duplicates, detections of background, missed objects; by class and by size.
    bootstrap
        Draw the photos anew so many times (1000, say), and tell where the mAP of 95 % of the draws lies: how
        much of the figure may be chance.
    out
        Folder that receives report.html (tables, curves, photos with mistakes) and result.json; with --errors
        also errors.html, the worst of each kind in pictures.
    svd
        Replace fully connected layers by their truncated SVD, e.g. fc6=1024,fc7=256.
    proposal_folder
        Keeps the proposals, so that a second evaluation of the same photos is faster.
    """
    place, spec = _detector_and_data(model, data, detections)
    threshold = _threshold(iou, metric, errors=errors)
    if bootstrap and metric == "coco":
        raise UsageError("--bootstrap is for the voc metrics: leave it or --metric coco away")
    if place is None:
        _refuse_options(svd=svd, proposal_folder=proposal_folder, batch=batch)
        note_no_device(device)
    read = [Path(word) for word in (place, spec, detections) if word is not None]
    if detections is not None and detections.is_dir():
        read += detections.iterdir()
    if out is not None:
        refuse_to_overwrite(page_files(out, errors=errors), overwrite=overwrite, inputs=read)
    require_places(out, proposal_folder)
    detector = None
    if place is not None:
        detector = open_detector(Path(place), svd=parse_svd(svd), device=device, batch=batch)
    whole = open_dataset(
        spec,
        split,
        default_split=_DEFAULT_SPLIT,
        on_bad_box=on_bad_box,
        on_bad_photo=on_bad_photo,
        images=images,
        need_photos=place is not None,
    )
    split = split or _DEFAULT_SPLIT
    dataset = whole if photos is None else FirstPhotos(whole, photos)
    workers = min(network_job_count(jobs, device), len(dataset))
    if save_detections is not None:
        names = whole.class_names if detector is None else detector.class_names
        _require_target(save_detections, targets(save_detections, split, names), read, overwrite=overwrite)
    if detector is not None:
        if spec != SCENES:
            note_big_photos(detector.proposer, sizes_of_dataset(dataset))
        outcome = detect_all(detector, dataset, proposal_folder, job_count(jobs), workers)
    else:
        outcome = read_all(detections or Path(), whole, len(dataset), split)
    if save_detections is not None:
        write_detections(save_detections, whole, split, outcome.detections)
        note(f"detections: {save_detections}")
    usual = _USUAL_SCORE if detector is None else detector.usual_min_score
    measured = measure(
        outcome, dataset, whole, metric, threshold, usual, errors=errors, samples=bootstrap, seed=seed
    )
    result = {"model": place, **measured.to_record(), **_source(detections, measured, workers)}
    if json:
        print_json(result)
    else:
        _print_figures(measured, workers)
    say_what_is_not_shared(measured.classes, dataset.name)
    if out is not None:
        write_pages(out, measured, str(detections) if detector is None else detector.title)
        files.write_text(out / "result.json", json_format.dumps(result, indent=2) + "\n")


def _source(detections: Path | None, measured: Measured, workers: int) -> dict[str, Any]:
    """Return where the detections come from, as part of the result."""
    if measured.recall is None:
        return {"detections": str(detections)}
    seconds = float(np.mean(measured.outcome.seconds))
    time = {"seconds_per_photo": seconds, "seconds_include_proposals": measured.outcome.with_proposing}
    return {"proposals": measured.recall.to_record(), **time, "processes": workers}


def _print_figures(measured: Measured, workers: int) -> None:
    """Print the tables, and the time a detector took."""
    print(measured.result.table())
    if measured.interval is not None:
        print(f"mAP by chance: {measured.interval}")
    balance, recall = measured.balance, measured.recall
    best = f"--min-score {balance.score}" if balance.recall else "none, no detection is right"
    print(f"\nbest balance: {best} (precision {balance.precision:.3f}, recall {balance.recall:.3f})")
    if measured.errors is not None:
        print(f"\n{errors_text(measured.errors)}")
    if recall is not None:
        print(f"\nproposals: {recall.num_proposals:,.0f} a photo\n{recall.table()}")
        shared = "" if workers == 1 else f", in each of {workers} processes at a time"
        which = "with its proposals" if measured.outcome.with_proposing else "without proposals"
        print(f"\n{float(np.mean(measured.outcome.seconds)):.3f} s a photo {which}{shared}")


def _detector_and_data(model: str, data: str | None, detections: Path | None) -> tuple[str | None, str]:
    """Return the detector, None where there are detections in its place, and the data set."""
    if detections is None:
        if data is None:
            raise UsageError(f"evaluate needs two things: {_WAYS}")
        return model, data
    if data is not None:
        raise UsageError(f"--detections takes the place of the detector: {_WAYS}")
    return None, model


def _threshold(iou: float | None, metric: Metric, *, errors: bool) -> float:
    if iou is None:
        return 0.5
    if metric == "coco":
        raise UsageError("--iou is for the voc metrics: coco is the mean over IoU 0.5 to 0.95")
    require_threshold(iou, "--iou")
    if errors and iou <= BACKGROUND_IOU:
        raise UsageError(f"--errors needs an --iou above {BACKGROUND_IOU}, up to which all is background")
    return iou


def _refuse_options(**given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"--{name.replace('_', '-')} is for a detector: with --detections none runs")


def _require_target(path: Path, written: Sequence[Path], read: Sequence[Path], *, overwrite: bool) -> None:
    """Fail before the work where the detections could not be written."""
    another = "another with --save-detections"
    refuse_to_overwrite(written, overwrite=overwrite, inputs=read, another=another)
    require_writable(path.parent if path.suffix.lower() == ".json" else path, another=another)
