import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.formats.annotation_samples import TABLE, ring_and_parts

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.formats.exchange.exports import ExportSummary
from napari_edgeflow.formats.exchange.settings import ExportSettings
from napari_edgeflow.formats.kinds.coco.dataset import read_coco
from napari_edgeflow.formats.kinds.voc.objects import read_voc
from napari_edgeflow.project.content.records import LabelContent, PageContent
from napari_edgeflow.project.exchange.exports import export_project
from napari_edgeflow.project.folder import Project, ProjectPlace, open_project

SAMPLE = ring_and_parts()
IDS = SAMPLE.object_labels().astype(np.uint16)
ROWS = {entry.id: {"class_id": entry.class_id} for entry in SAMPLE.objects}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.png", "b.png", "sub/ö 1.png", "new.png"):
        Image.new("RGB", (50, 40), (9, 99, 199)).save(folder / name)
    pixels = np.zeros((6, 40, 50), np.uint8)
    tifffile.imwrite(folder / "stack.tif", pixels, photometric="minisblack")
    return folder


def labelled(images: Path) -> Project:
    """Return a project with objects, classes, a stack, and images without labels."""
    project = open_project(ProjectPlace(images))
    project.note(replace(project.record, classes=ClassTable(TABLE.classes[1:])))
    objects = LabelContent("object", TABLE, IDS, ROWS)
    classes = LabelContent("semantic", TABLE, SAMPLE.class_labels())
    nothing = LabelContent("object", TABLE, IDS * 0)
    stack = LabelContent(
        "object", TABLE, np.stack([IDS * 0, IDS, IDS] + [IDS * 0] * 3), ROWS
    )
    for name, layers in (
        ("a.png", {"classes": classes, "objects": objects}),
        ("b.png", {"objects": nothing, "classes": classes}),
        ("sub/ö 1.png", {"plain": LabelContent("plain", ClassTable(()), IDS)}),
        ("stack.tif", {"objects": stack}),
    ):
        project.open_page(name)
        project.note_page(name, PageContent(layers))
    project.close()
    return open_project(ProjectPlace(images, read_only=True))


def export(project: Project, settings: ExportSettings) -> ExportSummary:
    steps = export_project(project, settings)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            summary: ExportSummary = end.value
            return summary


def test_every_labelled_image_is_written(images: Path, tmp_path: Path) -> None:
    project = labelled(images)
    summary = export(project, ExportSettings("coco", tmp_path / "coco"))
    assert (summary.images, summary.objects) == (5, 4 + 5 + 4 + 8)
    found = {
        annotation.file_name: annotation
        for annotation in read_coco(tmp_path / "coco" / "annotations.json")
    }
    names = {"a.png", "b.png", "sub/ö 1.png", "stack_0001.png", "stack_0002.png"}
    assert set(found) == names
    for name in names - {"b.png"}:
        assert np.array_equal(found[name].object_labels(), IDS)
    assert np.array_equal(found["b.png"].class_labels(), SAMPLE.class_labels())
    classes = found["a.png"].classes
    # The project's list has a cat: it comes first, other classes after the list.
    assert [c.name for c in classes] == ["cat", TABLE.get(7).name, "object"]
    by_others = {o.class_id for o in found["sub/ö 1.png"].objects}
    assert {classes.get(i).name for i in by_others} == {"object"}


def test_images_are_written_where_a_format_has_them(
    images: Path, tmp_path: Path
) -> None:
    settings = ExportSettings("voc", tmp_path / "voc", split=(0.6, 0.4))
    summary = export(labelled(images), settings)
    assert summary.images == 5
    assert len(list(read_voc(tmp_path / "voc"))) == 5
    lists = (tmp_path / "voc" / "ImageSets" / "Segmentation").glob("*.txt")
    assert {p.stem: len(p.read_text().split()) for p in lists} == {"train": 3, "val": 2}


def test_a_project_without_labels_says_so(images: Path, tmp_path: Path) -> None:
    open_project(ProjectPlace(images)).close()
    project = open_project(ProjectPlace(images, read_only=True))
    with pytest.raises(ValueError, match="has labels yet: label some"):
        export(project, ExportSettings("coco", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["gray", "palette"])
def test_labels_never_replace_the_images(images: Path, name: str) -> None:
    before = {path: path.read_bytes() for path in images.rglob("*.png")}
    told: list[str] = []
    project = labelled(images)
    list(export_project(project, ExportSettings(name, images), told.append))
    assert {path: path.read_bytes() for path in before} == before
    assert len(told) == 3
    assert "a.png is the image itself, and would be replaced" in told[0]


@pytest.mark.parametrize(("name", "suffix"), [("palette", ".png"), ("tiff", ".tif")])
def test_labels_never_replace_another_picture(
    images: Path, tmp_path: Path, name: str, suffix: str
) -> None:
    project, settings = labelled(images), ExportSettings(name, tmp_path / "out")
    export(project, settings)
    picture = tmp_path / "out" / f"a{suffix}"
    Image.new("RGB", (8, 8), (9, 99, 199)).save(picture)
    before, told = picture.read_bytes(), list[str]()
    # Labels of an earlier export are replaced.
    list(export_project(project, settings, told.append))
    assert picture.read_bytes() == before
    assert len(told) == 1
    assert f"a{suffix} is a picture and no label image" in told[0]


def test_each_picture_of_a_stack_is_its_own_frame(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    frames = [Image.new("L", (50, 40), value) for value in (10, 120, 250)]
    frames[0].save(folder / "film.gif", save_all=True, append_images=frames[1:])
    deep = np.zeros((3, 40, 50), np.uint16)
    deep[1], deep[2] = 1000, 4000
    tifffile.imwrite(folder / "deep.tif", deep, photometric="minisblack")
    project = open_project(ProjectPlace(folder))
    for name in ("film.gif", "deep.tif"):
        project.open_page(name)
        layer = LabelContent("object", TABLE, np.stack([IDS] * 3), ROWS)
        project.note_page(name, PageContent({"objects": layer}))
    project.close()
    stored = open_project(ProjectPlace(folder, read_only=True))
    out = tmp_path / "out"
    assert export(stored, ExportSettings("labelme", out)).images == 6
    seen = {}
    for path in out.glob("*.json"):
        named = json.loads(path.read_text("utf-8"))["imagePath"]
        with Image.open(out / named) as picture:
            seen[path.stem] = picture.convert("L").getpixel((20, 20))
    # As on the page: black and white are those of the whole stack.
    assert seen == {
        **{"film_0000": 10, "film_0001": 120, "film_0002": 250},
        **{"deep_0000": 0, "deep_0001": 63, "deep_0002": 255},
    }
