"""What a person chooses for an export, and what is exported."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pixels import read_one_plane
from napari_edgeflow.engine.labels.classes import Colour
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.kinds.coco.objects import Segmentation

Values = Literal["classes", "objects"]


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """How labels are written.

    Parameters
    ----------
    format : str
        A key of :data:`napari_edgeflow.formats.exchange.targets.FORMATS`.
    output : Path
        The folder.
    split : tuple of float
        Parts of 1 for train, val and test; empty for no split.
    seed : int
        Of the split.
    tolerance : float
        By how many pixels outlines may be simplified.
    segmentation : {"polygons", "rle"}
        How COCO gets objects without holes.
    values : {"classes", "objects"}
        What grey and TIFF label images hold.
    background : tuple of int or None
        Red, green and blue behind objects that are cut out; None for transparent.
    opacity : float
        How much the colours of an overlay cover, 0 to 1.

    Raises
    ------
    ValueError
        If a number is out of bounds.
    """

    format: str
    output: Path
    split: tuple[float, ...] = ()
    seed: int = 0
    tolerance: float = 0.0
    segmentation: Segmentation = "polygons"
    values: Values = "classes"
    background: Colour | None = None
    opacity: float = 0.5

    def __post_init__(self) -> None:
        """Check the values once."""
        if not 0 <= self.tolerance < np.inf:
            raise ValueError(
                f"tolerance {self.tolerance}: use 0 pixels or more, such as 0.75"
            )
        if not 0 <= self.opacity <= 1:
            raise ValueError(f"opacity {self.opacity}: use 0 to 1")


@dataclass(frozen=True, slots=True, eq=False)
class ExportItem:
    """One image to be written.

    Parameters
    ----------
    annotation : ImageAnnotation
        Its objects and classes.
    image : Path, ndarray or None
        Its file, or pixels (H, W) or (H, W, C) of one that is in no file; None if it
        cannot be had, with which some formats do.
    source : Path, optional
        The file that the image came from, which no output may replace. Default:
        ``image``, if that is a file.
    """

    annotation: ImageAnnotation
    image: Path | NDArray[Any] | None = None
    source: Path | None = None

    def is_source(self, path: Path) -> bool:
        """Return whether a path is that of the file the image came from."""
        source = self.image if self.source is None else self.source
        if not isinstance(source, Path) or not source.exists():
            return False
        return path.exists() and path.samefile(source)

    def pixels(self) -> NDArray[Any]:
        """Return the image, read from its file if need be.

        Raises
        ------
        ValueError
            If there is none, or a stack.
        OSError
            If it cannot be read.
        """
        image = self.existing_image()
        return read_one_plane(image) if isinstance(image, Path) else image

    def existing_image(self) -> Path | NDArray[Any]:
        """Return the image; ValueError if there is none."""
        if self.image is None:
            raise ValueError(
                f"no image {self.annotation.file_name!r} was found: "
                "name the folder of the images"
            )
        return self.image
