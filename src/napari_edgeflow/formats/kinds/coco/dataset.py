"""COCO's instances file: the objects of a whole folder of images in one JSON file."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_edgeflow.engine.labels.classes import MAX_CLASS_ID, ClassTable, LabelClass
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.objects import free_id
from napari_edgeflow.formats.files.class_files import category, category_colour
from napari_edgeflow.formats.files.json_files import read_record, write_json
from napari_edgeflow.formats.files.problems import Report, refuse
from napari_edgeflow.formats.kinds.coco.objects import (
    OBJECT_ID,
    Segmentation,
    from_coco,
    to_coco,
)

_LISTS = ("images", "annotations", "categories")


def read_coco(path: Path, report: Report = refuse) -> Iterator[ImageAnnotation]:
    """Read the images of a file one by one, also those that have no object.

    A category is the class of its id and ``color``; an id that no class can have
    becomes the lowest free one, and a category without a colour gets VOC's. Annotations
    of a category or an image that the file does not list, or without pixels in their
    image, are reported, and images and categories without an id of their own.
    """
    file = _CocoFile.read(path, report)
    classes, ids = file.classes()
    of_image: dict[object, list[dict[str, Any]]] = {
        record.get("id"): [] for record in file.images
    }
    for record in file.annotations:
        image, category = record.get("image_id"), record.get("category_id")
        # What is no number may not even be looked up: JSON has lists, too.
        if not isinstance(image, int) or image not in of_image:
            report(file.says(record, f"is of image {image!r}, which is not listed"))
        elif not isinstance(category, int) or category not in ids:
            report(file.says(record, f"has category {category!r}, not listed"))
        else:
            of_image[image].append(record)
    for image_record in file.images:
        records = of_image[image_record.get("id")]
        annotation = file.annotation(image_record, records, (classes, ids), report)
        if annotation is not None:
            yield annotation


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
            entries = record.get(key)
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
        found: dict[int, dict[str, Any]] = {}
        for entry in self.record[key]:
            number = entry.get("id")
            if not isinstance(number, int) or number in found:
                name = entry.get("file_name", entry.get("name"))
                report(
                    f"{self.path} has no id or the same id {number!r} twice in its "
                    f"{key}: give each a whole number of its own; {name!r} is left out"
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

    def classes(self) -> tuple[ClassTable, dict[int, int]]:
        """Return the classes, and the class of each category's id."""
        taken = {record["id"] for record in self.categories}
        free = (i for i in range(1, MAX_CLASS_ID + 1) if i not in taken)
        ids: dict[int, int] = {}
        classes = []
        for record in self.categories:
            number = record["id"]
            class_id = number if 1 <= number <= MAX_CLASS_ID else next(free)
            ids[number] = class_id
            name = str(record.get("name") or "").strip() or f"class {number}"
            classes.append(
                LabelClass(class_id, name, category_colour(record, class_id))
            )
        return ClassTable(tuple(classes)), ids

    def annotation(
        self,
        image: Mapping[str, Any],
        records: list[dict[str, Any]],
        table: tuple[ClassTable, dict[int, int]],
        report: Report,
    ) -> ImageAnnotation | None:
        """Return the record of an image; None if it was reported instead."""
        classes, ids = table
        name = str(image.get("file_name", ""))
        try:
            size = int(image["height"]), int(image["width"])
            empty = ImageAnnotation(name, *size, classes)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            reason = error if isinstance(error, ValueError) else "it has no size"
            report(f"{self.path}: image {image.get('id')} is left out: {reason}")
            return None
        objects = []
        used = set[int]()
        for record in records:
            try:
                entry = from_coco(record, ids[record["category_id"]], size)
            except ValueError as error:
                report(self.says(record, f"of {name!r} cannot be used ({error})"))
                continue
            number = free_id(record.get(OBJECT_ID), used)
            used.add(number)
            objects.append(replace(entry, id=number))
        return replace(empty, objects=tuple(objects))

    def put(self, annotation: ImageAnnotation, segmentation: Segmentation) -> None:
        """Replace or add an image and its annotations."""
        image_id = self._put_image(annotation)
        ids = self._put_classes(annotation.classes)
        kept = [r for r in self.annotations if r.get("image_id") != image_id]
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

    def _put_image(self, annotation: ImageAnnotation) -> int:
        known = {record.get("file_name"): record for record in self.images}
        record = known.get(annotation.file_name)
        if record is None:
            number = 1 + max(map(_number, self.images), default=0)
            record = {"id": number, "file_name": annotation.file_name}
            self.images.append(record)
        record.update(height=annotation.height, width=annotation.width)
        return int(record["id"])

    def _put_classes(self, classes: ClassTable) -> dict[int, int]:
        """Return the category of each class, which is added if need be."""
        ids: dict[int, int] = {}
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
        taken = {record["id"] for record in self.categories}
        number = entry.id if entry.id not in taken else max(taken) + 1
        record = category(replace(entry, id=number))
        self.categories.append(record)
        return record


def _number(record: Mapping[str, Any]) -> int:
    number = record.get("id")
    return number if isinstance(number, int) else 0
