"""What the objects of a Labels layer took, and their clicks as a benchmark."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.evaluation.effort import ObjectEffort
from napari_edgeflow.formats.effort.click_benchmark import (
    ClickedObject,
    write_click_benchmark,
)
from napari_edgeflow.widgets.layers.annotation import LabelledLayers, labelled_layers
from napari_edgeflow.widgets.layers.matching import image_of
from napari_edgeflow.widgets.layers.object_records import ObjectRecord, read_records
from napari_edgeflow.widgets.layers.planes import plane_count

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer

_JPEG = (".jpg", ".jpeg")


def efforts_of(layer: "Labels", records: Iterable[ObjectRecord]) -> list[ObjectEffort]:
    """Return what each object of a layer took."""
    is_stack = plane_count(layer) > 1
    return [
        ObjectEffort(
            record.object_id,
            record.class_name,
            record.source,
            len(record.clicks),
            record.seconds,
            record.plane.name if is_stack else "",
        )
        for record in records
    ]


@dataclass(frozen=True, slots=True, eq=False)
class BenchmarkRequest:
    """Whose clicks to write, and where."""

    source: LabelledLayers
    records: tuple[ObjectRecord, ...]
    folder: Path


def benchmark_request(
    viewer: "Viewer", labels: "Labels", folder: Path
) -> BenchmarkRequest:
    """Return what to write in the background.

    Raises
    ------
    ValueError
        If no object was clicked, or its image is gone.
    """
    records = tuple(r for r in read_records(labels).values() if _is_clicked(r))
    if not records:
        raise ValueError(f"No object in {labels.name!r} was made by clicks.")
    source = labelled_layers(
        viewer, image_of(viewer.layers, labels), labels, every=True
    )
    return BenchmarkRequest(source, records, folder)


def write_benchmark(request: BenchmarkRequest) -> Generator[int, None, int]:
    """Write images, masks and clicks; yield after each image, return the objects."""
    source, written = request.source, 0
    for place, (plane, name) in enumerate(
        zip(source.planes, source.names, strict=True)
    ):
        here = [r for r in request.records if r.plane == plane.plane]
        if not here:
            continue
        labels = source.labels(place)
        present = set(np.unique(labels).tolist())
        clicked = [
            ClickedObject(r.object_id, r.class_name, r.clicks, r.view, r.seconds)
            for r in here
            if r.object_id in present
        ]
        image = _as_seen(source, place)
        write_click_benchmark(request.folder, name, image, labels, clicked)
        written += len(clicked)
        yield written
    return written


def _is_clicked(record: ObjectRecord) -> bool:
    return record.source == "click" and any(c.positive for c in record.clicks)


def _as_seen(source: LabelledLayers, place: int) -> Path | NDArray[np.uint8]:
    """Return a JPEG as it is, and the pixels shown of anything else."""
    path = source.path
    if path is not None and path.suffix.lower() in _JPEG:
        return path
    return source.pixels(place)
