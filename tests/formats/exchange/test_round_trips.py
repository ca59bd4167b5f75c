"""What is exported comes back: every format, real images and hard cases."""

import contextlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pycocotools.coco import COCO
from tests.formats.annotation_samples import TABLE, ring_and_parts

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.exchange.exports import ExportSummary, export_folder
from napari_edgeflow.formats.exchange.imports import guess_source, read_annotations
from napari_edgeflow.formats.exchange.settings import ExportItem, ExportSettings
from napari_edgeflow.samples import SAMPLES, load_sample, sample_paths

# pycocotools still decodes in the way of the first NumPy.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning")

Images = tuple[ExportItem, ...]


def drawn(
    name: str, ids: NDArray[Any], class_of: dict[int, int], table: ClassTable
) -> ExportItem:
    annotation = ImageAnnotation.from_objects(name, ids, class_of, table)
    return ExportItem(annotation, np.full((*ids.shape, 3), 90, np.uint8))


@cache
def real() -> Images:
    """All samples: a cat with whiskers, cups, hundreds of nuclei that touch."""
    table = ClassTable(
        tuple(LabelClass(i, name, (i * 40, 9, 9)) for i, name in enumerate(SAMPLES, 1))
    )
    items = []
    for number, (name, (path, _)) in enumerate(sample_paths().items(), 1):
        _, ids = load_sample(name)
        class_of = dict.fromkeys(np.unique(ids[ids > 0]).tolist(), number)
        annotation = ImageAnnotation.from_objects(path.name, ids, class_of, table)
        items.append(ExportItem(annotation, path))
    return tuple(items)


@cache
def shapes() -> Images:
    """Holes, parts, single pixels, the border, and objects that touch everywhere."""
    tiles = np.arange(1, 31, dtype=np.uint16).reshape(5, 6).repeat(3, 0).repeat(3, 1)
    board = np.indices((12, 14)).sum(0) % 2
    board[3:9, 3:9] = 2
    known = ring_and_parts("a 'b' \"c\" 🐈.png")
    pixels = np.full((*known.shape, 3), 90, np.uint8)
    return (
        ExportItem(known, pixels),
        drawn("tiles.png", tiles, dict.fromkeys(range(1, 31), 7), TABLE),
        drawn("board größe.png", board, {1: 1, 2: 7}, TABLE),
        drawn("one.png", np.ones((1, 1), np.uint8), {1: 1}, TABLE),
        drawn("nothing.png", np.zeros((4, 5), np.uint8), {}, TABLE),
    )


def many_classes(highest: int) -> Images:
    """300 classes with names that need care, up to an id."""
    ids = range(highest - 299, highest + 1)
    names = ("a b", "it's", 'say "hi"', "🐈", "größe", "a,b;c", "<&>")
    table = ClassTable(
        tuple(LabelClass(i, f"{names[i % 7]} {i}", (i % 256, 1, 2)) for i in ids)
    )
    tiles = np.arange(1, 301, dtype=np.uint16).reshape(15, 20)
    tiles = tiles.repeat(2, 0).repeat(2, 1)
    return (drawn("a.png", tiles, {i: ids[i - 1] for i in range(1, 301)}, table),)


CASES: dict[str, Callable[[], Images]] = {
    "real": real,
    "shapes": shapes,
    "classes": lambda: many_classes(300),
    "large ids": lambda: many_classes(65_535),
}


@dataclass(frozen=True)
class Exported:
    folder: Path
    summary: ExportSummary
    problems: list[str]


def export(name: str, items: Images, folder: Path, **options: Any) -> Exported:
    problems: list[str] = []
    names = [item.annotation.file_name for item in items]
    settings = ExportSettings(name, folder, **options)
    classes = items[0].annotation.classes
    steps = export_folder(items, classes, names, settings, problems.append)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return Exported(folder, end.value, problems)


def read(exported: Exported) -> dict[str, ImageAnnotation]:
    source = guess_source(exported.folder)
    found = read_annotations(source, exported.folder, kind="semantic")
    return {plain_stem(entry): entry for entry in found}


def plain_stem(annotation: ImageAnnotation) -> str:
    """The name as all formats keep it: VOC has no spaces, YOLO puts splits before."""
    return "_".join(PurePosixPath(annotation.stem).name.split())


def pairs(items: Images, found: dict[str, ImageAnnotation]) -> Iterator[tuple]:
    assert len(found) == len(items)
    for item in items:
        yield item.annotation, found[plain_stem(item.annotation)]


def named_objects(annotation: ImageAnnotation) -> list[tuple[str, bytes]]:
    """The class name and the pixels of each object, whatever its id."""
    names = {entry.id: entry.name for entry in annotation.classes}
    return sorted(
        (
            names[o.class_id],
            repr(o.region.window).encode() + np.packbits(o.region.mask).tobytes(),
        )
        for o in annotation.objects
    )


OF_OBJECTS = {
    "coco": {},
    "coco rle": {"segmentation": "rle"},
    "labelme": {},
    "yolo": {},
    "geojson": {},
    "tiff": {"values": "objects"},
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", OF_OBJECTS)
def test_every_pixel_of_every_object_comes_back(
    tmp_path: Path, name: str, case: str
) -> None:
    items = CASES[case]()
    exported = export(name.split()[0], items, tmp_path, **OF_OBJECTS[name])
    assert exported.problems == []
    assert exported.summary.images == len(items)
    for written, back in pairs(items, read(exported)):
        assert named_objects(back) == named_objects(written)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["gray", "palette", "tiff", "voc"])
def test_the_class_of_every_pixel_comes_back(
    tmp_path: Path, name: str, case: str
) -> None:
    items = CASES[case]()
    exported = export(name, items, tmp_path)
    if name in ("palette", "voc") and case in ("classes", "large ids"):
        # No place for more than 255; that is said and nothing is written.
        (problem,) = exported.problems
        assert "a palette PNG holds 0 to 255: save as TIFF" in problem
        assert exported.summary.images == 0
        return
    assert exported.problems == []
    for written, back in pairs(items, read(exported)):
        assert np.array_equal(back.class_labels(), written.class_labels())
        names = {entry.id: entry.name for entry in back.classes}
        for entry in written.objects:
            name_of = written.classes.get(entry.class_id).name
            assert names[entry.class_id] == name_of


@pytest.mark.parametrize("case", ["real", "shapes"])
def test_vocs_objects_come_back(tmp_path: Path, case: str) -> None:
    items = CASES[case]()
    found = read(export("voc", items, tmp_path))
    for written, back in pairs(items, found):
        assert named_objects(back) == named_objects(written)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("segmentation", ["polygons", "rle"])
def test_cocos_own_reader_sees_the_same_pixels(
    tmp_path: Path, case: str, segmentation: str
) -> None:
    items = CASES[case]()
    export("coco", items, tmp_path, segmentation=segmentation)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(tmp_path / "annotations.json")
    by_name = {image["file_name"]: image["id"] for image in coco.imgs.values()}
    for item in items:
        annotation = item.annotation
        image = by_name[annotation.file_name]
        records = coco.loadAnns(coco.getAnnIds(imgIds=[image]))
        assert len(records) == len(annotation.objects)
        for record, entry in zip(records, annotation.objects, strict=True):
            mask = coco.annToMask(record).astype(bool)
            assert np.array_equal(mask, entry.region.full(annotation.shape))
            category = coco.cats[record["category_id"]]
            assert category["name"] == annotation.classes.get(entry.class_id).name


def test_simpler_outlines_keep_an_iou_of_099(tmp_path: Path) -> None:
    for name in ("coco", "labelme", "yolo", "geojson"):
        exported = export(name, real(), tmp_path / name, tolerance=0.5)
        cost = exported.summary.cost
        assert cost.iou >= 0.99
        assert cost.vertices_after < cost.vertices_before
        common = either = 0
        for written, back in pairs(real(), read(exported)):
            one, other = written.class_labels(), back.class_labels()
            common += np.count_nonzero((one == other) & (one > 0))
            either += np.count_nonzero((one > 0) | (other > 0))
        assert common / either >= 0.99


def test_cut_outs_hold_the_mask(tmp_path: Path) -> None:
    export("cutout", real(), tmp_path)
    for item in real():
        with Image.open(tmp_path / f"{item.annotation.stem}_cutout.png") as picture:
            alpha = np.asarray(picture)[..., 3]
        assert np.array_equal(alpha >= 128, item.annotation.class_labels() > 0)
