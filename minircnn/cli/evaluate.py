"""``minircnn evaluate``."""

from __future__ import annotations

import json as json_format
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np

from minircnn import files
from minircnn.cli.files import refuse_to_overwrite
from minircnn.cli.options import (
    Bad,
    BadPhoto,
    Batch,
    Data,
    DeviceName,
    Images,
    Json,
    Model,
    NetworkJobs,
    Overwrite,
    Photos,
    Seed,
    Split,
    job_count,
    network_job_count,
)
from minircnn.cli.output import note, print_json
from minircnn.cli.pages import Balance, best_balance, mistakes, precision_recall_figure
from minircnn.cli.running import (
    Outcome,
    open_detector,
    parse_svd,
    run_detector,
)
from minircnn.data.opening import open_dataset
from minircnn.detectors import RegionDetector
from minircnn.evaluation import ProposalResult, VocResult, evaluate_coco, evaluate_voc, proposal_recall
from minircnn.structures import DetectionDataset
from minircnn.training import compute_proposals
from minircnn.viz import Report

Metric = Literal["voc", "voc07", "coco"]


def evaluate(
    model: Model,
    data: Data,
    /,
    *,
    split: Split = None,
    metric: Metric = "voc",
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

    For example:

        minircnn evaluate runs/fast VOC2007 --split test --out reports/fast

    Next: look at the false detections in the report; `minircnn explain` shows one photo in depth.

    Parameters
    ----------
    metric
        voc: area under the precision-recall curve at IoU 0.5; voc07: its mean at 11 recalls, as in 2007;
        coco: the mean over IoU 0.5 to 0.95, with its eleven companions.
    out
        Folder that receives report.html (tables, curves, photos with mistakes) and result.json.
    svd
        Replace fully connected layers by their truncated SVD, e.g. fc6=1024,fc7=256.
    proposal_folder
        Keeps the proposals, so that a second evaluation of the same photos is faster.
    """
    if out is not None:
        refuse_to_overwrite((out / "report.html", out / "result.json"), overwrite=overwrite)
    workers = network_job_count(jobs, device)
    detector = open_detector(model, svd=parse_svd(svd), device=device, batch=batch)
    dataset = open_dataset(
        data,
        split,
        default_split="test",
        on_bad_box=on_bad_box,
        on_bad_photo=on_bad_photo,
        images=images,
        limit=photos,
    )
    _require_same_classes(detector, dataset)
    proposals = compute_proposals(dataset, detector.proposer, folder=proposal_folder, n_jobs=job_count(jobs))
    outcome = run_detector(detector, dataset, proposals, n_jobs=workers)
    voc = evaluate_voc(
        outcome.detections, outcome.annotations, method="11point" if metric == "voc07" else "area"
    )
    recall = proposal_recall(outcome.proposals, outcome.annotations)
    balance = best_balance(outcome, detector.usual_min_score)
    text, record = _figures(metric, voc, outcome)
    result = {
        "model": str(model),
        "data": dataset.name,
        "photos": len(dataset),
        "metric": metric,
        **record,
        "best_balance": asdict(balance),
        "proposals": recall.to_record(),
        "seconds_per_photo": float(np.mean(outcome.seconds)),
        "processes": workers,
    }
    if json:
        print_json(result)
    else:
        print(text)
        print(
            f"\nbest balance: --min-score {balance.score:.3g} "
            f"(precision {balance.precision:.3f}, recall {balance.recall:.3f})"
        )
        print(f"\nproposals: {recall.num_proposals:,.0f} a photo\n{recall.table()}")
        shared = "" if workers == 1 else f", in each of {workers} processes at a time"
        print(f"\n{result['seconds_per_photo']:.3f} s a photo without proposals{shared}")
    if out is not None:
        page = _report(dataset, outcome, voc, recall, balance, detector.title)
        note(f"report: {page.save(out / 'report.html')}")
        files.write_text(out / "result.json", json_format.dumps(result, indent=2) + "\n")


def _require_same_classes(detector: RegionDetector[Any], dataset: DetectionDataset) -> None:
    """Labels are numbers: unless the names agree in order, they mean different things."""
    if tuple(detector.class_names) != tuple(dataset.class_names):
        raise ValueError(
            f"the detector knows the classes {', '.join(detector.class_names)}, "
            f"{dataset.name} has {', '.join(dataset.class_names)}"
        )


def _figures(metric: Metric, voc: VocResult, outcome: Outcome) -> tuple[str, dict[str, Any]]:
    """Return the table of the chosen metric, and the same as numbers."""
    if metric != "coco":
        return voc.table(), voc.to_record()
    coco = evaluate_coco(outcome.detections, outcome.annotations)
    return coco.table(), coco.to_record()


def _report(
    dataset: DetectionDataset,
    outcome: Outcome,
    voc: VocResult,
    recall: ProposalResult,
    balance: Balance,
    name: str,
) -> Report:
    page = Report(
        f"{name} on {dataset.name}",
        f"{len(dataset)} photos, mAP at IoU 0.5: {voc.map:.3f}.",
    )
    rows = [
        [name, None if c.ap is None else float(c.ap), c.num_gt, c.num_detections, recall.per_class[name].abo]
        for name, c in voc.per_class.items()
    ]
    page.section(
        "Class by class",
        "Average precision at IoU 0.5. The average best overlap says how well the proposals cover the "
        "objects of a class: it bounds what the detector can find.",
        [
            (
                precision_recall_figure(voc),
                "Precision against recall: one point per detection, best score first.",
            )
        ],
        table=(["class", "AP", "objects", "detections", "average best overlap"], rows),
    )
    page.section(
        "Photos with the most mistakes",
        balance.explain(),
        mistakes(dataset, outcome, count=6, min_score=balance.score),
    )
    return page
