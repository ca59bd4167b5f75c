"""COCO's instances file: the objects of a whole folder of images in one JSON file."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_edgeflow.engine.data.names import inner_names
from napari_edgeflow.engine.data.pixels import IMAGE_SUFFIXES, image_size
from napari_edgeflow.engine.labels.classes import MAX_CLASS_ID, ClassTable, LabelClass
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.changes import joined
from napari_edgeflow.formats.annotation.objects import free_id
from napari_edgeflow.formats.files.class_files import category, category_colour
from napari_edgeflow.formats.files.image_files import ImageFolder, relative_path
from napari_edgeflow.formats.files.json_files import (
    read_json,
    read_record,
    write_json,
)
from napari_edgeflow.formats.files.problems import Note, Report, refuse
from napari_edgeflow.formats.kinds.coco.objects import (
    OBJECT_ID,
    Segmentation,
    from_coco,
    has_outline,
    to_coco,
)

_LISTS = ("images", "annotations", "categories")

_COCO_NAME = re.compile(r"annotations|coco|^instances|^result$")
"""What files of COCO, Roboflow, CVAT, Label Studio and ours are called."""

_PATH = "path"
"""The field of an image for its path from the file, which COCO Annotator has too."""

_DIGITS = 20
"""So many are no id but a text."""

_DEPTH = 3
"""How deep images lie below a file that does not say where they are."""


def coco_files(folder: Path) -> list[Path]:
    """Return the COCO files of a folder, by the names that programs give them.

    They lie in the folder, in ``annotations``, or in folders of splits; a file of any
    name counts if it is the only JSON of the folder and has what COCO has.
    """
    places = [folder, *sorted(p for p in folder.iterdir() if p.is_dir())]
    found = sorted(
        path
        for place in places
        for path in place.glob("*.json")
        if _COCO_NAME.search(path.stem.lower())
        or (place.name == "annotations" and place != folder)
    )
    # What COCO's own folder has beside them are captions and keypoints.
    found = [path for path in found if path.stem.startswith("instances")] or found
    every = list(folder.glob("*.json"))
    if not found and len(every) == 1:
        found = every
    return [path for path in found if _has_lists(path)]


def _has_lists(path: Path) -> bool:
    try:
        record = read_json(path)
    except (ValueError, OSError):
        # It is said when it is read.
        return True
    return isinstance(record, dict) and "images" in record and "annotations" in record


def read_coco(
    path: Path, report: Report = refuse, images: Path | None = None
) -> Iterator[ImageAnnotation]:
    """Read images one by one, also those that have no object.

    A category is the class of its id and ``color``; an id that no class can have
    becomes the lowest free one, and a category without a colour gets VOC's. Annotations
    of a category or an image that the file does not list, or without pixels in their
    image, are reported, and images and categories without an id of their own. An id may
    be any number or text, also one here and the other there. Two images of one file
    name are one with the objects of both. What has a box only is a rectangle.

    Parameters
    ----------
    path : Path
        The file, or a folder with some.
    report : callable
        Told of what is left out.
    images : Path, optional
        The folder of the images. Default: that of the file, and those in it.
    """
    paths = coco_files(path) if path.is_dir() else [path]
    if not paths:
        raise ValueError(
            f"no COCO file in {path}: give the file, or call it annotations.json"
        )
    root = path if path.is_dir() else path.parent
    files = [_CocoFile.read(one, report) for one in paths]
    folder = ImageFolder(images or root, None if images else _DEPTH)
    names = [file.names(root) for file in files]
    counts = Counter(name for of_file in names for name in of_file)
    read = (
        annotation
        for file, of_file in zip(files, names, strict=True)
        for annotation in file.read_images(of_file, folder, report)
    )
    yield from joined(read, counts, report)


def update_coco(
    path: Path,
    annotations: Iterable[ImageAnnotation],
    segmentation: Segmentation = "polygons",
) -> None:
    """Put images into a file, made if need be, in place of those of the same name.

    Everything else that is in the file stays as it is. Classes are the categories of
    their names; a new one keeps its id if that is free. How objects without holes are
    written, :func:`napari_edgeflow.formats.kinds.coco.objects.to_coco` says.
    """
    file = _CocoFile.read(path, refuse) if path.exists() else _CocoFile.empty(path)
    for annotation in annotations:
        file.put(annotation, segmentation)
    write_json(path, file.record)


@dataclass(frozen=True, slots=True)
class _CocoFile:
    """The content of a file, whose lists and their ids have been checked."""

    path: Path
    record: dict[str, Any]

    @classmethod
    def empty(cls, path: Path) -> "_CocoFile":
        return cls(path, {"info": {}, "licenses": [], **{k: [] for k in _LISTS}})

    @classmethod
    def read(cls, path: Path, report: Report) -> "_CocoFile":
        record = read_record(path)
        for key in _LISTS:
            entries = record[key] = _listed(record.get(key))
            if not isinstance(entries, list) or not all(
                isinstance(entry, dict) for entry in entries
            ):
                raise ValueError(
                    f"{path} has no list of {key}: give a file of COCO's instances"
                )
        file = cls(path, record)
        for key in ("images", "categories"):
            record[key] = file._with_ids(key, report)
        return file

    def _with_ids(self, key: str, report: Report) -> list[dict[str, Any]]:
        """Return the entries that have an id of their own; tell of the others."""
        found: dict[object, dict[str, Any]] = {}
        for entry in self.record[key]:
            number = _key(entry.get("id"))
            if number is None or number in found:
                name = entry.get("file_name", entry.get("name"))
                report(
                    f"{self.path} has no id or the same id {entry.get('id')!r} twice "
                    f"in its {key}: give each an id of its own; {name!r} is left out"
                )
            else:
                found[number] = entry
        return list(found.values())

    @property
    def images(self) -> list[dict[str, Any]]:
        images: list[dict[str, Any]] = self.record["images"]
        return images

    @property
    def annotations(self) -> list[dict[str, Any]]:
        annotations: list[dict[str, Any]] = self.record["annotations"]
        return annotations

    @property
    def categories(self) -> list[dict[str, Any]]:
        categories: list[dict[str, Any]] = self.record["categories"]
        return categories

    def says(self, record: Mapping[str, Any], what: str) -> str:
        """Return a sentence on an annotation that is left out."""
        return f"{self.path}: annotation {record.get('id')} {what}: it is left out"

    def names(self, root: Path) -> list[str]:
        """Return the file names of the images in a folder, "" where there is none.

        Names in a file of a folder in it, such as one of a split, begin there.
        """
        written = [str(record.get("file_name") or "") for record in self.images]
        place = self.path.parent.relative_to(root)
        if place.name.lower() == "annotations":
            place = place.parent
        return [
            (place / name).as_posix() if name else "" for name in inner_names(written)
        ]

    def read_images(
        self, names: Sequence[str], folder: ImageFolder, report: Report
    ) -> Iterator[ImageAnnotation]:
        """Yield the images with their objects."""
        classes, ids = self.classes()
        of_image: dict[object, list[dict[str, Any]]] = {
            _key(record["id"]): [] for record in self.images
        }
        boxes = 0
        for record in self.annotations:
            image, number = record.get("image_id"), record.get("category_id")
            if _key(image) not in of_image:
                report(self.says(record, f"is of image {image!r}, which is not listed"))
            elif _key(number) not in ids:
                report(self.says(record, f"has category {number!r}, not listed"))
            else:
                boxes += bool(record.get("bbox")) and not has_outline(record)
                of_image[_key(image)].append(record)
        if boxes:
            report(
                Note(
                    f"{self.path}: {boxes} of {len(self.annotations)} annotations have "
                    "a box and no outline: they are read as rectangles"
                )
            )
        for image_record, name in zip(self.images, names, strict=True):
            records = of_image[_key(image_record["id"])]
            found = self.annotation(
                image_record, name, records, (classes, ids), folder, report
            )
            if found is not None:
                yield found

    def image_path(
        self, record: Mapping[str, Any], name: str, folder: ImageFolder
    ) -> Path | None:
        """Return the file of an image; None if it is not there."""
        told = record.get(_PATH)
        if isinstance(told, str) and told and not Path(told).is_absolute():
            path = self.path.parent / told
            if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
                return path
        return folder.find(name)

    def classes(self) -> tuple[ClassTable, dict[object, int]]:
        """Return the classes, and the class of each category's id."""
        taken = {_key(record["id"]) for record in self.categories}
        free = (i for i in range(1, MAX_CLASS_ID + 1) if i not in taken)
        ids: dict[object, int] = {}
        classes = []
        for record in self.categories:
            number = _key(record["id"])
            is_id = isinstance(number, int) and 1 <= number <= MAX_CLASS_ID
            class_id = number if is_id else next(free)
            assert isinstance(class_id, int)
            ids[number] = class_id
            name = str(record.get("name") or "").strip() or f"class {number}"
            classes.append(
                LabelClass(class_id, name, category_colour(record, class_id))
            )
        return ClassTable(tuple(classes)), ids

    def annotation(
        self,
        image: Mapping[str, Any],
        name: str,
        records: list[dict[str, Any]],
        table: tuple[ClassTable, dict[object, int]],
        folder: ImageFolder,
        report: Report,
    ) -> ImageAnnotation | None:
        """Return the record of an image; None if it was reported instead."""
        classes, ids = table
        try:
            path = self.image_path(image, name, folder)
        except ValueError:
            # There may be several: whoever needs it asks for it again.
            path = None
        try:
            size = _size(image, path)
            empty = ImageAnnotation(name, *size, classes, image=path)
        except (ValueError, OSError) as error:
            report(f"{self.path}: image {image.get('id')} is left out: {error}")
            return None

        def told(record: Mapping[str, Any]) -> Report:
            return lambda what: report(
                f"{self.path}: annotation {record.get('id')} of {name!r} {what}"
            )

        objects = []
        used = set[int]()
        for record in records:
            try:
                class_id = ids[_key(record["category_id"])]
                entry = from_coco(record, class_id, size, told(record))
            except ValueError as error:
                report(self.says(record, f"of {name!r} cannot be used ({error})"))
                continue
            number = free_id(record.get(OBJECT_ID), used)
            used.add(number)
            objects.append(replace(entry, id=number))
        return replace(empty, objects=tuple(objects))

    def put(self, annotation: ImageAnnotation, segmentation: Segmentation) -> None:
        """Replace or add an image and its annotations."""
        image_id = _key(self._put_image(annotation))
        ids = self._put_classes(annotation.classes)
        kept = [r for r in self.annotations if _key(r.get("image_id")) != image_id]
        first = 1 + max(map(_number, self.annotations), default=0)
        added = [
            {
                "id": first + i,
                "image_id": image_id,
                "category_id": ids[entry.class_id],
                **to_coco(entry, annotation.shape, segmentation),
            }
            for i, entry in enumerate(annotation.objects)
        ]
        self.record["annotations"] = [*kept, *added]

    def _put_image(self, annotation: ImageAnnotation) -> object:
        known = {record.get("file_name"): record for record in self.images}
        record = known.get(annotation.file_name)
        if record is None:
            number = 1 + max(map(_number, self.images), default=0)
            record = {"id": number, "file_name": annotation.file_name}
            self.images.append(record)
        record.update(height=annotation.height, width=annotation.width)
        if annotation.image is not None:
            record[_PATH] = relative_path(annotation.image, self.path.parent)
        return record["id"]

    def _put_classes(self, classes: ClassTable) -> dict[int, Any]:
        """Return the category of each class, which is added if need be."""
        ids: dict[int, Any] = {}
        for entry in classes:
            same = [
                record
                for record in self.categories
                if record.get("name") == entry.name
                # Two classes may have one name: each has its own category.
                and record["id"] not in ids.values()
            ]
            same.sort(key=lambda record: record["id"] != entry.id)
            record = same[0] if same else self._new_category(entry)
            record["color"] = list(entry.colour)
            ids[entry.id] = record["id"]
        return ids

    def _new_category(self, entry: LabelClass) -> dict[str, Any]:
        taken = {_number(record) for record in self.categories}
        number = entry.id if entry.id not in taken else max(taken) + 1
        record = category(replace(entry, id=number))
        self.categories.append(record)
        return record


def _listed(entries: Any) -> Any:
    """Return a list of entries; some programs write them by their ids."""
    if not isinstance(entries, dict):
        return entries
    return [
        {"id": key, **entry} if isinstance(entry, dict) else entry
        for key, entry in entries.items()
    ]


def _key(value: object) -> int | str | None:
    """Return an id as it is looked up: 1, 1.0 and "1" are one; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else str(value)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        # Python makes no number of endless digits.
        return int(value) if len(value) < _DIGITS else value
    return value


def _size(image: Mapping[str, Any], path: Path | None) -> tuple[int, int]:
    """Return (H, W) of an image: what is written, else that of its file."""
    try:
        return int(image["height"]), int(image["width"])
    except (KeyError, TypeError, ValueError, OverflowError):
        if path is None:
            raise ValueError("it has no size, and its image is not there") from None
    return image_size(path)


def _number(record: Mapping[str, Any]) -> int:
    number = _key(record.get("id"))
    return number if isinstance(number, int) else 0
