"""Clicks of persons as a benchmark: images, masks of objects, and clicks.json.

The folder is also one for ``evaluate clicks --instances``, which clicks itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.evaluation.replay import RecordedObject
from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.formats.files.image_files import copy_image
from napari_edgeflow.formats.files.json_files import read_record, write_json
from napari_edgeflow.formats.kinds.cutout import write_picture
from napari_edgeflow.formats.kinds.label_images.folder import write_gray_png

CLICKS = "clicks.json"
_VERSION = 1

_IMAGES, _MASKS = "images", "masks"


@dataclass(frozen=True, slots=True)
class ClickedObject:
    """An object of an image and the clicks that gave it."""

    value: int
    class_name: str
    clicks: tuple[Click, ...]
    view: Window | None = None
    seconds: float = 0.0


def write_click_benchmark(
    folder: Path,
    file_name: str,
    image: Path | NDArray[np.uint8],
    labels: NDArray[np.integer],
    objects: Sequence[ClickedObject],
) -> None:
    """Put an image into a benchmark, in place of what it has of that name.

    Parameters
    ----------
    folder : Path
        The benchmark; made if need be.
    file_name : str
        Of the image.
    image : Path or ndarray
        Its file, or pixels (H, W, 3) uint8.
    labels : ndarray
        (H, W) ids of objects, up to 65,535.
    objects : sequence of ClickedObject
        Those of ``labels`` that were clicked.

    Raises
    ------
    ValueError
        If the ids do not fit, or clicks.json is of something else.
    OSError
        If a file cannot be read or written.
    """
    path = folder / CLICKS
    entries = _entries(path) if path.exists() else []
    name = PurePosixPath(file_name)
    suffix = image.suffix if isinstance(image, Path) else ".png"
    image_path, mask_path = (
        f"{_IMAGES}/{name.stem}{suffix}",
        f"{_MASKS}/{name.stem}.png",
    )
    if isinstance(image, Path):
        copy_image(image, folder / image_path)
    else:
        write_picture(folder / image_path, image)
    write_gray_png(folder / mask_path, labels)
    kept = [entry for entry in entries if entry.get("mask") != mask_path]
    added = [
        {"image": image_path, "mask": mask_path, **_record(entry)} for entry in objects
    ]
    write_json(path, {"version": _VERSION, "objects": [*kept, *added]}, indent=1)


def read_click_benchmark(path: Path) -> list[RecordedObject]:
    """Return the objects of a benchmark's clicks.json.

    Raises
    ------
    ValueError
        If it is no such file.
    OSError
        If it cannot be read.
    """
    try:
        return [_recorded(path.parent, entry) for entry in _entries(path)]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} has an object without its {error}: export the clicks again"
        ) from error


def _entries(path: Path) -> list[dict[str, Any]]:
    entries = read_record(path).get("objects")
    if not isinstance(entries, list):
        raise ValueError(
            f"{path} has no list of objects: give the {CLICKS} of a benchmark"
        )
    return entries


def _record(entry: ClickedObject) -> dict[str, Any]:
    view = entry.view
    return {
        "value": entry.value,
        "class": entry.class_name,
        "clicks": [{"y": c.y, "x": c.x, "positive": c.positive} for c in entry.clicks],
        "view": view and [view.top, view.left, view.bottom, view.right],
        "seconds": round(entry.seconds, 2),
    }


def _recorded(folder: Path, entry: Mapping[str, Any]) -> RecordedObject:
    clicks = (
        Click(float(c["y"]), float(c["x"]), bool(c["positive"]))
        for c in entry["clicks"]
    )
    view = entry.get("view")
    return RecordedObject(
        folder / str(entry["image"]),
        folder / str(entry["mask"]),
        int(entry["value"]),
        str(entry.get("class", "")),
        tuple(clicks),
        None if view is None else Window(*view),
        float(entry.get("seconds", 0.0)),
    )
