"""The record that all formats share: the objects of one image, and their classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_edgeflow.engine.labels.classes import MAX_CLASS_ID, ClassTable
from napari_edgeflow.engine.labels.regions import objects_of
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.formats.annotation.objects import (
    MAX_OBJECT_ID,
    LabelledObject,
    check_drawable,
)

_MAX_SPARSE_ID = 1 << 20
"""Ids up to here are looked up as they are, larger ones are sorted first."""


@dataclass(frozen=True, slots=True, eq=False)
class ImageAnnotation:
    """The objects of one image.

    Parameters
    ----------
    file_name : str
        Path of the image inside its folder, with forward slashes.
    height, width : int
        Of the image, in pixels.
    classes : ClassTable
        What the class ids mean; their order decides which class covers which.
    objects : tuple of LabelledObject
        Later ones cover earlier ones of the same class.
    image : Path, optional
        The file of the image, where a reader found it.

    Raises
    ------
    ValueError
        If the file name leads out of the folder, the image has no pixels, an id
        occurs twice, or an object has an unknown class or leaves the image.
    """

    file_name: str
    height: int
    width: int
    classes: ClassTable
    objects: tuple[LabelledObject, ...] = ()
    image: Path | None = None

    def __post_init__(self) -> None:
        """Check the values once."""
        check_file_name(self.file_name)
        if self.height < 1 or self.width < 1:
            raise ValueError(
                f"the image {self.file_name!r} has {self.width} x {self.height} "
                "pixels: its size must be at least 1 x 1"
            )
        known, seen = {entry.id for entry in self.classes}, set[int]()
        for entry in self.objects:
            self._check_object(entry, known, seen)
            seen.add(entry.id)

    def _check_object(
        self, entry: LabelledObject, known: set[int], seen: set[int]
    ) -> None:
        where = f"object {entry.id} of {self.file_name!r}"
        window = entry.region.window
        if not 0 < entry.id <= MAX_OBJECT_ID or entry.id in seen:
            raise ValueError(
                f"{where}: give each object an id of its own, from 1 on "
                f"up to {MAX_OBJECT_ID}"
            )
        if entry.class_id not in known:
            raise ValueError(
                f"{where} has class {entry.class_id}, which the table lacks: add it"
            )
        if min(window.top, window.left) < 0 or (
            window.bottom > self.height or window.right > self.width
        ):
            raise ValueError(
                f"{where} leaves the image of {self.width} x {self.height} pixels: "
                "is it the outline of another image?"
            )

    @classmethod
    def from_labels(
        cls, file_name: str, labels: NDArray[np.integer], classes: ClassTable
    ) -> "ImageAnnotation":
        """Return the connected regions of each class as objects.

        Parameters
        ----------
        file_name, classes
            See the class.
        labels : ndarray
            (H, W) class ids from 0 to 65,535, 0 for background.

        Raises
        ------
        ValueError
            If a label is no class.
        """
        _check_labels(file_name, labels)
        ids, found = objects_of(labels.astype(np.uint16))
        class_of = {region.object_id: region.class_id for region in found}
        return cls.from_objects(file_name, ids, class_of, classes)

    @classmethod
    def from_objects(
        cls,
        file_name: str,
        ids: NDArray[np.integer],
        class_of: Mapping[int, int],
        classes: ClassTable,
    ) -> "ImageAnnotation":
        """Return the objects of an image of objects.

        Parameters
        ----------
        file_name, classes
            See the class.
        ids : ndarray
            (H, W) object ids, 0 for background.
        class_of : mapping
            The class of each object.

        Raises
        ------
        ValueError
            If an object has no class or a negative id.
        """
        if ids.min(initial=0) < 0:
            raise ValueError(
                f"an object of {file_name!r} has the id {ids.min()}: use 1 or more"
            )
        values, dense = _dense(ids)
        objects = []
        # Its stubs do not say that an id without pixels has None.
        windows: Sequence[tuple[slice, ...] | None] = ndimage.find_objects(dense)
        for index, window in enumerate(windows, 1):
            object_id = int(values[index])
            if window is None:
                continue
            if object_id not in class_of:
                raise ValueError(
                    f"object {object_id} of {file_name!r} has no class: give it one"
                )
            rows, columns = window
            around = Window(rows.start, columns.start, rows.stop, columns.stop)
            region = MaskPart(around, dense[window] == index)
            objects.append(LabelledObject(object_id, class_of[object_id], region))
        height, width = ids.shape
        return cls(file_name, height, width, classes, tuple(objects))

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the image."""
        return self.height, self.width

    @property
    def stem(self) -> str:
        """The file name without its ending, as the names of label files have it."""
        return PurePosixPath(self.file_name).with_suffix("").as_posix()

    def class_labels(self) -> NDArray[np.unsignedinteger]:
        """Return the class of each pixel; the order of classes and objects decides.

        Returns
        -------
        ndarray
            (H, W) uint8, or uint16 if a class has an id above 255.

        Raises
        ------
        ValueError
            If the image is too large for that.
        """
        check_drawable(self.shape)
        highest = max((entry.id for entry in self.classes), default=0)
        dtype = np.uint8 if highest <= 255 else np.uint16
        labels: NDArray[np.unsignedinteger] = np.zeros(self.shape, dtype)
        for entry in self._in_order():
            labels[entry.region.window.slices][entry.region.mask] = entry.class_id
        return labels

    def object_labels(self) -> NDArray[np.uint32]:
        """Return the id of each pixel's object, covered as the classes are.

        Returns
        -------
        ndarray
            (H, W) uint32, 0 for background.

        Raises
        ------
        ValueError
            If the image is too large for that.
        """
        check_drawable(self.shape)
        labels = np.zeros(self.shape, np.uint32)
        for entry in self._in_order():
            labels[entry.region.window.slices][entry.region.mask] = entry.id
        return labels

    def _in_order(self) -> list[LabelledObject]:
        places = {entry.id: place for place, entry in enumerate(self.classes)}
        return sorted(self.objects, key=lambda entry: places[entry.class_id])


def _dense(ids: NDArray[np.integer]) -> tuple[NDArray[np.integer], NDArray[np.int32]]:
    """Return the id of each place, and the image (H, W) of places; 0 is at 0."""
    highest = int(ids.max(initial=0))
    if highest <= _MAX_SPARSE_ID:
        return np.arange(highest + 1), ids.astype(np.int32, copy=False)
    values = np.union1d(ids, [0])
    return values, np.searchsorted(values, ids).astype(np.int32)


def check_file_name(name: str) -> None:
    """Raise ValueError if a name is empty or leads out of its folder.

    Names come from files of others, and outputs are named after them.
    """
    path = PurePosixPath(name)
    is_plain = path.name and "\\" not in name and ":" not in path.parts[0]
    if not is_plain or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise ValueError(
            f"{name!r} is no name of an image inside a folder: use one such as "
            "'photo.jpg' or 'trip/photo.jpg'"
        )


def _check_labels(file_name: str, labels: NDArray[np.integer]) -> None:
    if labels.ndim != 2 or not labels.size or labels.dtype.kind not in "bui":
        raise ValueError(
            f"the labels of {file_name!r} are {labels.shape} of {labels.dtype}: "
            "give one plane (H, W) of whole numbers"
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > MAX_CLASS_ID:
        raise ValueError(
            f"the labels of {file_name!r} go from {low} to {high}: "
            f"classes go from 0 to {MAX_CLASS_ID}"
        )
