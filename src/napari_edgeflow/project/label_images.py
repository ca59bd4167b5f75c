"""Reading back the label images of a project."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pairs import read_labels
from napari_edgeflow.formats.kinds.label_images.tiff import read_label_tiff
from napari_edgeflow.project.records import LayerRecord


def read_label_image(path: Path, record: LayerRecord) -> NDArray[np.integer[Any]]:
    """Return the values of a layer, writeable, in the type that its record tells.

    Raises
    ------
    ValueError
        If the image has another size than its record says.
    OSError
        If it cannot be read.
    """
    is_png = path.suffix.lower() == ".png"
    labels = read_labels(path) if is_png else read_label_tiff(path).labels
    if labels.shape != record.shape:
        raise ValueError(
            f"{path} has the shape {labels.shape} where {record.shape} is expected: "
            "was it exchanged?"
        )
    return np.array(labels, np.dtype(record.dtype))
