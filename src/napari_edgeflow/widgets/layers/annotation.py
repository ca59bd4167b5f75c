"""Layers as annotations: an image, the labels on it, and what they mean.

What is needed of the layers is taken in the window's thread; pixels are read, and
objects found, in the background.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pixels import image_size, read_one_plane
from napari_edgeflow.engine.labels.classes import ClassTable, Kind
from napari_edgeflow.engine.raster.image import ImageReader
from napari_edgeflow.formats.annotation.planes import (
    classes_of_objects,
    completed,
    plane_annotation,
)
from napari_edgeflow.formats.exchange.settings import ExportItem
from napari_edgeflow.formats.files.image_files import as_file_name, plane_name
from napari_edgeflow.widgets.layers.labels import read_scheme
from napari_edgeflow.widgets.layers.planes import (
    PlaneImage,
    every_plane,
    layer_array,
    layer_shape,
    read_plane,
)

if TYPE_CHECKING:
    from napari.layers import Image, Labels
    from napari.viewer import Viewer


@dataclass(frozen=True, slots=True, eq=False)
class LabelledLayers:
    """An image layer and its labels, as they are at this moment.

    Parameters
    ----------
    names : tuple of str
        The file name of each plane.
    planes : tuple of PlaneImage
        The planes of the image.
    path : Path or None
        The file of an image of one plane, if it came from one.
    kind : {"semantic", "object"}
        What the labels are.
    classes : ClassTable
        The classes that are known.
    class_of : dict
        The class of each object that has one.
    """

    names: tuple[str, ...]
    planes: tuple[PlaneImage, ...]
    path: Path | None
    kind: Kind
    classes: ClassTable
    class_of: dict[int, int]
    _labels: Any = field(repr=False)

    def labels(self, place: int) -> NDArray[np.integer]:
        """Return the labels (H, W) of the plane at a place in :attr:`planes`."""
        if len(self.planes) == 1:
            only: NDArray[np.integer] = self._labels
            return only
        # What is painted meanwhile must not be half in it.
        return self.planes[place].plane.read(self._labels).copy()

    def every_class(self) -> ClassTable:
        """Return the classes of all planes, also of labels whose class is not known."""
        table = self.classes
        for place in range(len(self.planes)):
            table = completed(self.labels(place), self.kind, table, self.class_of)
        return table

    def items(self, classes: ClassTable, *, with_image: bool) -> Iterator[ExportItem]:
        """Yield the planes, read one by one.

        Parameters
        ----------
        classes : ClassTable
            Those of :meth:`every_class`.
        with_image : bool
            Whether the pixels of the image are needed.
        """
        for place, name in enumerate(self.names):
            annotation = plane_annotation(
                name, self.labels(place), self.kind, classes, self.class_of
            )
            image = self._image(place) if with_image else None
            yield ExportItem(annotation, image, self.path)

    def _image(self, place: int) -> Path | NDArray[np.uint8]:
        """Return the file of the image, else its pixels as they are shown."""
        # The file of a stack is that of none of its planes.
        path, single = self.path, len(self.planes) == 1
        if path is not None and single and _shows(path, self.planes[place]):
            return path
        return self.pixels(place)

    def pixels(self, place: int) -> NDArray[np.uint8]:
        """Return the image as it is shown: (H, W, 3)."""
        plane = self.planes[place]
        reader = ImageReader(plane, plane.limits)
        return reader.read_whole()


def labelled_layers(
    viewer: "Viewer",
    image: "Image | None",
    labels: "Labels | None",
    *,
    every: bool = False,
    kind: Kind = "object",
    path: Path | None = None,
) -> LabelledLayers:
    """Return what is to be exported, without reading more than one plane of labels.

    Parameters
    ----------
    viewer : Viewer
        Which plane it shows is what counts.
    image, labels : Image and Labels
        The layers.
    every : bool
        Whether all planes are wanted.
    kind : {"semantic", "object"}
        What the labels are, if the layer does not say it.
    path : Path, optional
        The image's file. Default: the one it was opened from, if any.

    Raises
    ------
    ValueError
        If a layer is missing, or they do not fit together.
    """
    if image is None or labels is None:
        missing = "image" if image is None else "Labels layer"
        raise ValueError(f"There is no {missing}: open one first.")
    shape = layer_shape(image)
    if layer_shape(labels) != shape:
        raise ValueError(
            f"{labels.name!r} has the shape {layer_shape(labels)}, {image.name!r} "
            f"{shape}: choose the image that was labelled."
        )
    shown = read_plane(viewer, image)
    planes = every_plane(shown, shape) if every else (shown,)
    array = layer_array(labels)
    single = len(planes) == 1
    scheme = read_scheme(labels)
    path = path or path_of(image)
    return LabelledLayers(
        tuple(image_names(image, planes, path)),
        planes,
        path,
        kind if scheme is None else scheme.kind,
        ClassTable(()) if scheme is None else scheme.classes,
        classes_of_objects(labels.features),
        # What is painted meanwhile must not be half in it.
        shown.plane.read(array).copy() if single else array,
    )


def image_names(
    image: "Image", planes: tuple[PlaneImage, ...], path: Path | None
) -> Iterator[str]:
    """Yield the file names of planes of an image layer, which has a file or has not."""
    base = as_file_name(image.name) if path is None else path.name
    shape = layer_shape(image)
    for plane in planes:
        held = [at for at in plane.plane.index if at is not None]
        sides = [
            side for side, at in zip(shape, plane.plane.index, strict=True)
            if at is not None
        ]  # fmt: skip
        is_only = all(side == 1 for side in sides)
        yield base if is_only else plane_name(base, tuple(held), tuple(sides))


def path_of(image: "Image") -> Path | None:
    """Return the file an image layer was opened from, if it is still there."""
    path = image.source.path
    if not isinstance(path, str) or not Path(path).is_file():
        return None
    return Path(path)


def _shows(path: Path, plane: PlaneImage) -> bool:
    """Return whether a file holds this plane alone, and the same way up."""
    try:
        if image_size(path) != plane.shape[:2]:
            return False
        pixels = read_one_plane(path)
    except (ValueError, OSError):
        # It is a stack, or another reader of napari's understands it.
        return False
    channels = 1 if pixels.ndim == 2 else 3
    shown = np.asarray(plane)[..., :channels]
    return np.array_equal(shown, pixels.reshape(*pixels.shape[:2], channels))
