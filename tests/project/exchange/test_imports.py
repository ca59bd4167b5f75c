"""Labels of others for all images of a project, without a window."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.formats.annotation_samples import TABLE, ring_and_parts

from napari_edgeflow.engine.labels.classes import Kind
from napari_edgeflow.formats.kinds.coco.dataset import update_coco
from napari_edgeflow.formats.kinds.label_images.folder import write_gray_png
from napari_edgeflow.project.content.records import LabelContent, PageContent
from napari_edgeflow.project.exchange.import_undo import read_restored
from napari_edgeflow.project.exchange.imports import (
    FolderImport,
    PageImport,
    read_folder_import,
)
from napari_edgeflow.project.folder import Project, ProjectPlace, open_project

SAMPLE = ring_and_parts()
IDS = SAMPLE.object_labels().astype(np.uint16)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in ("a.png", "x/same.png", "y/same.png"):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (50, 40)).save(path)
    pixels = np.zeros((6, 40, 50), np.uint8)
    path = tmp_path / "images" / "stack.tif"
    tifffile.imwrite(path, pixels, photometric="minisblack")
    return tmp_path / "images"


def run(project: Project, request: FolderImport) -> tuple[list[PageImport], list[str]]:
    pages, steps = [], read_folder_import(project, request)
    while True:
        try:
            pages.append(next(steps))
        except StopIteration as end:
            return pages, end.value


def coco(path: Path, *names: str) -> Path:
    update_coco(path, [ring_and_parts(name) for name in names])
    return path


def test_images_are_known_by_name_whatever_folder_or_ending(
    images: Path, tmp_path: Path
) -> None:
    project = open_project(ProjectPlace(images))
    path = coco(tmp_path / "in.json", "elsewhere/a.jpg", "y/same.png", "stack.tif")
    pages, problems = run(project, FolderImport(path))
    assert [page.name for page in pages] == ["a.png", "y/same.png"]
    (told,) = problems
    assert told.startswith("stack.tif is left out: it is a stack")
    assert [c.name for c in pages[0].classes][-1] in {c.name for c in TABLE}
    project.close()
    path = coco(tmp_path / "other.json", "same.png")
    project = open_project(ProjectPlace(images))
    with pytest.raises(ValueError, match=r"'x/same\.png' or 'y/same\.png': give the"):
        run(project, FolderImport(path))
    with pytest.raises(ValueError, match=r"no image of .* is called like that"):
        run(project, FolderImport(coco(tmp_path / "n.json", "n.png")))
    project.close()


def test_pixels_that_have_a_label_keep_it_or_not(images: Path, tmp_path: Path) -> None:
    project = open_project(ProjectPlace(images))
    project.open_page("a.png")
    labels = np.zeros((40, 50), np.uint8)
    labels[:10] = 250
    mine = LabelContent("object", TABLE, labels, {250: {"class_id": 7}})
    project.note_page("a.png", PageContent({"objects": mine}))
    path = coco(tmp_path / "in.json", "a.png")
    (page,), _ = run(project, FolderImport(path))
    assert page.content is None
    (page,), _ = run(project, FolderImport(path, add=True))
    assert page.content is not None
    layer = page.content.layers["objects"]
    assert (layer.labels[:10] == 250).all()
    # Ids go on after the highest one, also where the type has no room for them.
    assert set(layer.rows) == set(np.unique(layer.labels)) - {0}
    assert max(layer.rows) > 250
    (page,), _ = run(project, FolderImport(path, add=True, keep_existing=False))
    assert page.content is not None
    labels = page.content.layers["objects"].labels
    assert np.array_equal(labels > 0, (IDS > 0) | (np.arange(40)[:, None] < 10))
    assert (labels[:10] != 250).any()
    project.close()


def test_label_images_become_classes_where_classes_are_wanted(
    images: Path, tmp_path: Path
) -> None:
    project = open_project(ProjectPlace(images))
    folder = tmp_path / "masks"
    folder.mkdir()
    write_gray_png(folder / "a.png", SAMPLE.class_labels())
    (page,), _ = run(project, FolderImport(folder, kind="semantic"))
    assert page.content is not None
    layer = page.content.layers["classes"]
    assert layer.kind == "semantic"
    assert np.array_equal(layer.labels > 0, SAMPLE.class_labels() > 0)
    assert {int(v) for v in np.unique(layer.labels)} - {0} <= {
        entry.id for entry in layer.classes
    }
    project.close()


def put(project: Project, pages: list[PageImport]) -> None:
    """Do what the dock does with images that are not open."""
    for page in pages:
        assert page.content is not None
        project.note_page(page.name, page.content)
        project.leave_page(page.name)


def test_an_import_is_taken_back_where_nobody_went_on(
    images: Path, tmp_path: Path
) -> None:
    project = open_project(ProjectPlace(images))
    names = ("a.png", "x/same.png", "y/same.png")
    mine = np.zeros((40, 50), np.uint8)
    mine[:3] = 250
    layer = LabelContent("object", TABLE, mine, {250: {"class_id": 7}})
    before = PageContent({"objects": layer})
    project.open_page("x/same.png")
    put(project, [PageImport("x/same.png", SAMPLE, TABLE, before)])
    path = coco(tmp_path / "in.json", *names)
    pages, _ = run(project, FolderImport(path, add=True, keep_existing=False))
    put(project, pages)
    # A class that goes from all images is no edit of one of them.
    seven = TABLE.get(7).id
    other = next(entry.id for entry in TABLE if entry.id != seven)
    project.note(project.record.without_class(seven, other))
    content = project.open_page("y/same.png").content
    content.layers["objects"].labels[39, 49] = 1
    project.note_page("y/same.png", content)
    project.leave_page("y/same.png")
    kept = [page.kept for page in pages if page.kept is not None]
    found = {one.name: content for one, content in read_restored(project, kept)}
    assert found["y/same.png"] is None
    assert found["a.png"] is not None
    assert not found["a.png"].layers["objects"].labels.any()
    assert not found["a.png"].layers["objects"].rows
    assert found["x/same.png"] is not None
    back = found["x/same.png"].layers["objects"]
    assert np.array_equal(back.labels, mine)
    assert [(i, row["class_id"]) for i, row in back.rows.items()] == [(250, other)]
    assert kept[0].state == "new"
    project.close()


@pytest.mark.parametrize("kind", ["object", "semantic"])
def test_label_stacks_are_imported(images: Path, tmp_path: Path, kind: Kind) -> None:
    project = open_project(ProjectPlace(images))
    folder = tmp_path / "masks"
    folder.mkdir()
    labels = np.zeros((6, 40, 50), np.uint16)
    labels[1:3, 4:9, 4:9], labels[2, 20:30, 20:30] = 5, 9
    tifffile.imwrite(folder / "stack.tif", labels, photometric="minisblack")
    tifffile.imwrite(folder / "a.tif", labels, photometric="minisblack")
    (page,), problems = run(project, FolderImport(folder, kind=kind))
    assert page.name == "stack.tif"
    assert problems == [
        "a.png is left out: its labels are a stack of 6 x 40 x 50 pixels, it is one "
        "plane of 40 x 50: give labels of the same shape"
    ]
    assert page.content is not None
    (layer,) = page.content.layers.values()
    assert np.array_equal(layer.labels > 0, labels > 0)
    if kind == "object":
        # The same value in several slices is one object, seen in its first slice.
        assert [row["plane"] for row in layer.rows.values()] == [
            [1, None, None],
            [2, None, None],
        ]
        assert np.array_equal(layer.labels == 1, labels == 5)
    else:
        assert np.unique(layer.labels).size == 3
    put(project, [page])
    tifffile.imwrite(folder / "stack.tif", labels[:4], photometric="minisblack")
    _, problems = run(project, FolderImport(folder, kind=kind, add=True))
    assert problems[1].startswith(
        "stack.tif is left out: it is a stack of 6 x 40 x 50 pixels, its labels are "
        "4 x 40 x 50: give a label TIFF of the same shape, or open it"
    )
    project.close()
