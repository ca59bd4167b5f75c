"""Folders of labelled images that training reads as they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from napari_edgeflow.engine.data.pairs import LabelledImage, folder_pairs, voc_pairs
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.formats.files.class_lists import find_class_list
from napari_edgeflow.formats.kinds.voc.folder import VocFolder
from napari_edgeflow.formats.training.coco import coco_contents, coco_pairs

Layout = Literal["pairs", "voc", "coco"]


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A folder of labelled images.

    Parameters
    ----------
    path : Path
        The folder; of COCO the JSON file in it.
    layout : {"pairs", "voc", "coco"}
        Whether it has images/ and labels/, is as in PASCAL VOC, or has a COCO file
        with the images in images/ or beside it.
    """

    path: Path
    layout: Layout

    @classmethod
    def of(cls, path: Path) -> "DataFolder":
        """Return a folder with the layout that it has.

        Raises
        ------
        ValueError
            If it has none that training knows.
        """
        if VocFolder(path).is_complete:
            return cls(path, "voc")
        if (path / "images").is_dir() and (path / "labels").is_dir():
            return cls(path, "pairs")
        files = sorted(path.glob("*.json"))
        if len(files) == 1:
            return cls(files[0], "coco")
        if files:
            names = " and ".join(file.name for file in files[:2])
            raise ValueError(
                f"{path} has several JSON files, such as {names}: choose a folder "
                "with the COCO file alone"
            )
        raise ValueError(
            f"{path} has neither images/ and labels/ nor the folders of PASCAL VOC nor "
            "a COCO file: choose another, or turn its labels into one of these by the "
            "command 'napari-edgeflow convert'"
        )

    @property
    def folder(self) -> Path:
        """The folder itself."""
        return self.path.parent if self.layout == "coco" else self.path

    def contents(self) -> tuple[int, ClassTable | None]:
        """Return how many images are trained on, and the classes that are listed.

        Of PASCAL VOC's layout without a list of its own, VOC's classes.

        Raises
        ------
        ValueError
            If there are no images, or a list or file cannot be understood.
        OSError
            If a file cannot be read, or an image is missing.
        """
        if self.layout == "coco":
            return coco_contents(self.path)
        number = len(self._pairs())
        if self.layout == "voc":
            return number, VocFolder(self.path).classes() or ClassTable.voc()
        return number, find_class_list(self.path)

    def first_pairs(self, most: int, scratch: Path) -> tuple[LabelledImage, ...]:
        """Return some of the images, with class ids as labels.

        Those of a COCO file are written to a folder ``scratch``. Errors are those of
        :meth:`contents`.
        """
        if self.layout == "coco":
            return coco_pairs(self.path, None, scratch, "semantic", most)[0]
        return self._pairs()[:most]

    def label_files(self) -> list[Path]:
        """Return the label images, of a layout that has such.

        Errors are those of :meth:`contents`.
        """
        return [pair.labels for pair in self._pairs()]

    def _pairs(self) -> tuple[LabelledImage, ...]:
        """Return the images of a layout that has label images."""
        if self.layout == "voc":
            return voc_pairs(self.path, "train")
        return folder_pairs(self.path / "images", self.path / "labels")


def known_classes(tables: Iterable[tuple[Path, ClassTable]]) -> ClassTable | None:
    """Return the classes of several folders; None if there are none.

    Parameters
    ----------
    tables : iterable of (Path, ClassTable)
        The folders that name classes, and these.

    Raises
    ------
    ValueError
        If two folders have different classes of the same id.
    """
    table: ClassTable | None = None
    for path, classes in tables:
        for entry in classes:
            names = {known.id: known.name for known in table or ()}
            name = names.get(entry.id, entry.name)
            if name != entry.name:
                raise ValueError(
                    f"class {entry.id} is {name!r} in one folder and {entry.name!r} "
                    f"in {path}: give it the same meaning in both"
                )
            table = (table or ClassTable(())).with_class(entry)
    return table
