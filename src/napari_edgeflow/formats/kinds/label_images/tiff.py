"""Label images as TIFF: 8, 16 or 32 bits, planes and stacks, with their classes.

The classes are JSON in the image description, beside the shape that tifffile puts
there. Fiji and others show the labels and skip the rest.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_edgeflow.engine.labels.classes import METADATA, ClassTable, Kind
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.engine.system.json_text import parse_json

_DTYPES = (np.uint8, np.uint16, np.uint32)


@dataclass(frozen=True, slots=True, eq=False)
class LabelTiff:
    """What a label TIFF holds.

    Parameters
    ----------
    labels : ndarray
        (…, H, W) integer.
    classes : ClassTable or None
        None if the file does not say.
    kind : {"semantic", "object"} or None
        Whether the values are classes or objects; None if the file does not say.
    class_of : dict
        Of objects: the class of each value.
    """

    labels: NDArray[np.integer]
    classes: ClassTable | None = None
    kind: Kind | None = None
    class_of: dict[int, int] = field(default_factory=dict)


def write_label_tiff(path: Path, content: LabelTiff) -> None:
    """Write labels, 0 to 4,294,967,295, with as few bits as hold them, compressed.

    The path ends in .tif or .tiff.
    """
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise ValueError(f"a label TIFF must end in .tif or .tiff, not {path.name!r}")
    labels = content.labels.astype(_smallest_dtype(content.labels), copy=False)
    record: dict[str, object] = {"kind": content.kind or "semantic"}
    if content.classes is not None:
        record["classes"] = content.classes.to_records()
    if content.class_of:
        # JSON has no numbers as keys.
        record["objects"] = sorted(content.class_of.items())
    with replacing(path) as partial:
        tifffile.imwrite(
            partial,
            labels,
            photometric="minisblack",
            compression="zlib",
            metadata={METADATA: record},
        )


def read_label_tiff(path: Path) -> LabelTiff:
    """Read labels, also those of other programs."""
    try:
        with tifffile.TiffFile(path) as file:
            labels, description = file.asarray(), file.pages.first.description
    # tifffile raises whatever its decoders do for a broken file.
    except Exception as error:
        raise OSError(
            f"cannot read {path} as a TIFF: is it there, and complete?"
        ) from error
    if labels.dtype.kind not in "bui" or labels.ndim < 2:
        raise ValueError(
            f"{path} is {labels.shape} of {labels.dtype}: labels are whole numbers"
        )
    return _content(np.asarray(labels), description)


def _smallest_dtype(labels: NDArray[np.integer]) -> type[np.unsignedinteger[Any]]:
    if labels.ndim < 2 or not labels.size or labels.dtype.kind not in "bui":
        raise ValueError(
            f"labels of shape {labels.shape} and type {labels.dtype}: "
            "give planes of whole numbers"
        )
    low, high = int(labels.min()), int(labels.max())
    for dtype in _DTYPES:
        if low >= 0 and high <= np.iinfo(dtype).max:
            return dtype
    raise ValueError(
        f"labels go from {low} to {high}, a TIFF holds 0 to {2**32 - 1}: number them "
        "anew"
    )


def _content(labels: NDArray[np.integer], description: str) -> LabelTiff:
    """Return labels with what the description says; damaged text costs nothing."""
    try:
        record = parse_json(description)[METADATA]
        entries = record.get("classes")
        classes = None if entries is None else ClassTable.from_records(entries)
        class_of = {int(i): int(c) for i, c in record.get("objects", ())}
        kind: Kind = "object" if record["kind"] == "object" else "semantic"
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return LabelTiff(labels)
    return LabelTiff(labels, classes, kind, class_of)
