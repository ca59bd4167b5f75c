"""Folders as in PASCAL VOC's devkit: images, palette PNGs, and lists of names."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_edgeflow.engine.data.pairs import LabelledImage
from napari_edgeflow.engine.data.pixels import IMAGE_SUFFIXES, read_image
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.raster.image import ImageReader
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.formats.files.class_lists import (
    NAMES,
    OURS,
    find_class_list,
    write_class_list,
)
from napari_edgeflow.formats.kinds.voc.png import read_palette_png, write_palette_png

VOC_IMAGES, VOC_LABELS = "JPEGImages", "SegmentationClass"
_LONGEST_NAME = 250
"""Bytes of the name of a file without its ending at most."""

VOC_LISTS = Path("ImageSets", "Segmentation")

_FIRST_SPLITS = ("trainval", "train", "val")
_JPEG_QUALITY = 95


@dataclass(frozen=True, slots=True)
class VocFolder:
    """A folder of images and palette PNGs, as training with ``--voc`` reads it.

    The image NAME is ``JPEGImages/NAME.jpg``, or of another ending, its labels are
    ``SegmentationClass/NAME.png``, and ``ImageSets/Segmentation/SPLIT.txt`` has one
    NAME a line. The classes are listed in ``labels.txt``, see
    :mod:`napari_edgeflow.formats.files.class_lists`.

    Parameters
    ----------
    root : Path
        The folder, for instance VOCdevkit/VOC2012.
    """

    root: Path

    @property
    def is_complete(self) -> bool:
        """Whether the folders of images and of labels are there."""
        return (self.root / VOC_IMAGES).is_dir() and (self.root / VOC_LABELS).is_dir()

    def image_path(self, name: str) -> Path:
        """Return the path of an image, whatever its ending; VOC's own is .jpg."""
        usual = self.root / VOC_IMAGES / f"{name}.jpg"
        others = (
            usual.with_name(f"{name}{ending}")
            for suffix in IMAGE_SUFFIXES
            for ending in (suffix, suffix.upper())
        )
        found = (path for path in (usual, *others) if path.is_file())
        return next(found, usual)

    def labels_path(self, name: str) -> Path:
        """Return the path of an image's labels."""
        return self.root / VOC_LABELS / f"{name}.png"

    def list_path(self, split: str) -> Path:
        """Return the path of a list of names."""
        return self.root / VOC_LISTS / f"{split}.txt"

    def pairs(self, split: str | Path) -> tuple[LabelledImage, ...]:
        """Return the images on a list, by its name or its path, and their labels.

        Raises
        ------
        ValueError
            If the list is missing or empty.
        """
        path = Path(split)
        if not path.is_file():
            path = self.list_path(str(split))
        if not path.is_file():
            raise ValueError(f"no list {path}: is {self.root} a VOC folder?")
        names = _read_list(path)
        if not names:
            raise ValueError(f"the list {path} names no image")
        return tuple(
            LabelledImage(self.image_path(name), self.labels_path(name))
            for name in names
        )

    def splits(self) -> list[str]:
        """Return the lists that are there: trainval, train and val before others."""
        found = {path.stem for path in (self.root / VOC_LISTS).glob("*.txt")}
        first = [split for split in _FIRST_SPLITS if split in found]
        return first + sorted(found.difference(first))

    def listed(self, split: str) -> list[str]:
        """Return the names on a list; OSError if it cannot be read."""
        return _read_list(self.list_path(split))

    def names(self) -> list[str]:
        """Return the names in the first of the lists.

        Without any list, they are the names of all images that have labels.

        Raises
        ------
        ValueError
            If there is none.
        OSError
            If a list cannot be read.
        """
        splits = self.splits()
        if splits:
            names = self.listed(splits[0])
        else:
            labels = sorted((self.root / VOC_LABELS).glob("*.png"))
            names = [p.stem for p in labels if self.image_path(p.stem).is_file()]
        if not names:
            where = self.list_path(splits[0] if splits else "train")
            raise ValueError(
                f"no labelled image is named in {self.root}: "
                f"write the names of some to {where}, one a line"
            )
        return names

    def classes(self) -> ClassTable | None:
        """Return the classes of the folder's list; None if it has no list."""
        return find_class_list(self.root)

    def read(self, name: str) -> tuple[NDArray[Any], NDArray[np.uint8], ClassTable]:
        """Read an image, (H, W) or (H, W, 3) uint8, labels (H, W) and their classes.

        The classes are those of the file of labels, else of the folder's list.
        """
        image = read_image(self.image_path(name))
        return image, *read_palette_png(self.labels_path(name), self.classes())

    def add(
        self,
        name: str,
        image: NDArray[Any] | Path,
        labels: NDArray[np.integer],
        classes: ClassTable,
        split: str = "train",
    ) -> None:
        """Write an image, its labels and its name, in place of any of that name.

        Parameters
        ----------
        name : str
            Without folder, ending and white space.
        image : ndarray or Path
            (H, W) or (H, W, C), written as JPEG; the path of a JPEG is copied as it is.
        labels : ndarray
            (H, W) integer, 0 to 255.
        classes : ClassTable
            What the labels mean; added to the folder's list, where none may have
            another name.
        split : str
            The list to put the name on.
        """
        for word in (name, split):
            _check_word(word)
        is_jpeg = isinstance(image, Path) and image.suffix.lower() in (".jpg", ".jpeg")
        pixels = read_image(image) if isinstance(image, Path) else image
        if pixels.shape[:2] != labels.shape:
            raise ValueError(
                f"the labels of {name} have shape {labels.shape}, their image "
                f"{pixels.shape[:2]}: both need the same height and width"
            )
        every = self._merged_classes(classes)
        write_palette_png(self.labels_path(name), labels, every.palette(), every)
        with replacing(self.root / VOC_IMAGES / f"{name}.jpg") as partial:
            if is_jpeg:
                shutil.copyfile(str(image), partial)
            else:
                _write_jpeg(partial, pixels)
        # The first of the lists that are read.
        ours = self.root / OURS
        write_class_list(ours if ours.is_file() else self.root / NAMES, every)
        # The name comes last: what a list names is there.
        self._list_name(name, split)

    def _merged_classes(self, classes: ClassTable) -> ClassTable:
        """Return the folder's classes with these added or recoloured."""
        listed = self.classes() or ClassTable(())
        names = {entry.id: entry.name for entry in listed}
        for entry in classes:
            known = names.get(entry.id, entry.name)
            if known != entry.name:
                raise ValueError(
                    f"class {entry.id} is {known!r} in {self.root} and "
                    f"{entry.name!r} here: use the same classes for one folder"
                )
        merged = {entry.id: entry for entry in (*listed, *classes)}
        return ClassTable(tuple(merged.values()))

    def _list_name(self, name: str, split: str) -> None:
        path = self.list_path(split)
        names = self.listed(split) if path.is_file() else []
        if name not in names:
            text = "".join(f"{entry}\n" for entry in (*names, name))
            with replacing(path) as partial:
                partial.write_text(text, encoding="utf-8", newline="\n")


def _check_word(word: str) -> None:
    if not word or word != Path(word).name or word.split() != [word]:
        raise ValueError(
            f"{word!r} cannot be a name in a VOC folder, whose lists part names by "
            "white space: use letters, digits, - and _"
        )


def _write_jpeg(path: Path, image: NDArray[Any]) -> None:
    reader = ImageReader(image)
    rgb = reader.read_whole()
    Image.fromarray(rgb).save(path, format="JPEG", quality=_JPEG_QUALITY)


def _read_list(path: Path) -> list[str]:
    """Return the names on a list; OSError if it is none."""
    try:
        names = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise OSError(
            f"cannot read the list {path}: is it UTF-8 text with a name a line?"
        ) from error
    for name in names:
        if len(name.encode()) > _LONGEST_NAME:
            raise OSError(
                f"the list {path} has {name[:30]!r}…, which is longer than names of "
                "files can be: is it a list with a name a line?"
            )
    return names
