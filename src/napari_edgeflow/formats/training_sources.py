"""Folders of labelled images that training reads as they are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from napari_edgeflow.engine.classes import ClassTable
from napari_edgeflow.engine.pairs import LabelledImage, folder_pairs, voc_pairs
from napari_edgeflow.formats.class_lists import find_class_list
from napari_edgeflow.formats.voc_folder import VocFolder

Layout = Literal["pairs", "voc"]


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A folder of labelled images.

    Parameters
    ----------
    path : Path
        The folder.
    layout : {"pairs", "voc"}
        Whether it has images/ and labels/, or is as in PASCAL VOC.
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
        raise ValueError(
            f"{path} has neither images/ and labels/ nor the folders of PASCAL VOC: "
            "choose another, or turn its labels into one of these by the command "
            "'napari-edgeflow convert'"
        )

    def pairs(self) -> tuple[LabelledImage, ...]:
        """Return the images that are trained on.

        Raises
        ------
        ValueError
            If there are none.
        """
        if self.layout == "voc":
            return voc_pairs(self.path, "train")
        return folder_pairs(self.path / "images", self.path / "labels")

    def classes(self) -> ClassTable | None:
        """Return the classes of the folder's list; PASCAL VOC's if such has none.

        Raises
        ------
        ValueError
            If the list cannot be understood.
        OSError
            If it cannot be read.
        """
        if self.layout == "voc":
            return VocFolder(self.path).classes() or ClassTable.voc()
        return find_class_list(self.path)


def known_classes(folders: tuple[DataFolder, ...]) -> ClassTable | None:
    """Return the classes of all folders; None if none of them names any.

    Raises
    ------
    ValueError
        If two folders have different classes of the same id.
    OSError
        If a list cannot be read.
    """
    table: ClassTable | None = None
    for folder in folders:
        for entry in folder.classes() or ():
            names = {known.id: known.name for known in table or ()}
            name = names.get(entry.id, entry.name)
            if name != entry.name:
                raise ValueError(
                    f"class {entry.id} is {name!r} in one folder and {entry.name!r} "
                    f"in {folder.path}: give it the same meaning in both"
                )
            table = (table or ClassTable(())).with_class(entry)
    return table
