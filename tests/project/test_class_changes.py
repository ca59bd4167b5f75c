"""Classes that are taken away while most images are not open."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.project.page_edits import CLASSES, Page, row

from napari_edgeflow.engine.classes import ClassTable, LabelClass
from napari_edgeflow.formats.coco import read_coco
from napari_edgeflow.formats.export_settings import ExportSettings
from napari_edgeflow.project.exports import export_project
from napari_edgeflow.project.folder import Project, ProjectPlace, open_project
from napari_edgeflow.project.project_file import PageSummary
from napari_edgeflow.project.records import LabelContent, PageContent

CAT, DOG = 1, 2


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        Image.new("RGB", (60, 40)).save(folder / name)
    return folder


def labelled(images: Path) -> Project:
    """A project with a cat and two dogs on two images, and pixels of both on one."""
    project = open_project(ProjectPlace(images))
    project.note(_with(project, CLASSES))
    for name in ("a.png", "b.png"):
        page = Page()
        for index in (1, 2, 3):
            page.add(index, slice(9 * index, 9 * index + 5), slice(0, 20))
        page.rows[3] = row(DOG)
        put(project, name, page.content())
    labels = np.zeros((40, 60), np.uint8)
    labels[:20], labels[20:] = CAT, DOG
    put(project, "c.png", PageContent({"x": LabelContent("semantic", CLASSES, labels)}))
    return project


def _with(project: Project, classes: ClassTable, **more: Any) -> Any:
    return replace(project.record, classes=classes, **more)


def put(project: Project, name: str, content: PageContent) -> None:
    project.open_page(name)
    project.note_page(name, content)
    project.leave_page(name)


def take_away(project: Project, class_id: int, heir: int, *known: str) -> None:
    record = project.record.without_class(class_id, heir, known)
    project.note(record)
    project.note(_with(project, CLASSES.without(class_id)))


def rows_of(content: PageContent) -> dict[int, tuple[Any, Any]]:
    rows = content.layers["objects"].rows
    return {i: (one["class_id"], one["class_name"]) for i, one in rows.items()}


def on_disk(project: Project) -> dict[str, PageContent]:
    assert project.saver is not None
    assert project.saver.wait(timeout=60)
    return dict(project.read_pages())


def test_a_merged_class_is_merged_on_images_that_nobody_opens(
    images: Path, tmp_path: Path
) -> None:
    project = labelled(images)
    dog = CLASSES.get(DOG).name
    take_away(project, CAT, DOG)
    pages = on_disk(project)
    assert rows_of(pages["b.png"]) == dict.fromkeys((1, 2, 3), (DOG, dog))
    assert (pages["c.png"].layers["x"].labels == DOG).all()
    assert project.record.page("b.png") == PageSummary("work", 3, {DOG: 3})
    for _ in export_project(project, ExportSettings("coco", tmp_path / "coco")):
        pass
    found = list(read_coco(tmp_path / "coco" / "annotations.json"))
    assert {o.class_id for image in found for o in image.objects} == {
        entry.id for entry in found[0].classes
    }
    assert [entry.name for entry in found[0].classes] == [dog]
    project.close()
    again = open_project(ProjectPlace(images))
    assert rows_of(again.open_page("a.png").content)[1] == (DOG, dog)
    again.close()


def test_labels_of_a_deleted_class_go_everywhere(images: Path) -> None:
    project = labelled(images)
    take_away(project, DOG, 0, "a.png")
    pages = on_disk(project)
    # On this one the person did it, who knows how.
    assert len(rows_of(pages["a.png"])) == 1
    assert np.unique(pages["b.png"].layers["objects"].labels).tolist() == [0, 2]
    assert np.unique(pages["c.png"].layers["x"].labels).tolist() == [0, CAT]
    assert project.record.page("b.png") == PageSummary("work", 1, {CAT: 1})
    assert pages["b.png"].layers["objects"].classes == CLASSES.without(DOG)
    project.close()


def test_a_class_is_brought_back_where_it_was_not_seen_to_go(images: Path) -> None:
    project = labelled(images)
    before = project.record
    take_away(project, CAT, DOG, "a.png")
    shown = project.open_page("b.png").content
    project.note(project.record.known_to("b.png"))
    project.note_page("b.png", shown, edited=False)
    project.note(_with(project, CLASSES))
    project.note(project.record.with_class_again(CAT, DOG))
    pages = on_disk(project)
    assert {one[0] for one in rows_of(pages["b.png"]).values()} == {DOG}
    assert set(np.unique(pages["c.png"].layers["x"].labels)) == {CAT, DOG}
    assert project.record.removed == ()
    assert project.record.page("a.png") == before.page("a.png")
    # Another time counts as another one: it reaches those that saw the first.
    put(project, "b.png", on_disk(project)["a.png"])
    take_away(project, CAT, DOG)
    assert {one[0] for one in rows_of(on_disk(project)["b.png"]).values()} == {DOG}
    project.close()


def test_a_new_class_of_the_same_id_is_another_one(images: Path) -> None:
    project = labelled(images)
    take_away(project, CAT, DOG)
    cow = LabelClass(CAT, "cow", (9, 9, 9))
    table = CLASSES.with_class(cow)
    project.note(_with(project, table))
    content = project.open_page("a.png").content
    layer = content.layers["objects"]
    cows = {1: {**layer.rows[1], "class_id": CAT, "class_name": "cow"}}
    mine = LabelContent("object", table, layer.labels, {**layer.rows, **cows})
    project.note_page("a.png", PageContent({"objects": mine}))
    project.leave_page("a.png")
    pages = on_disk(project)
    assert rows_of(pages["a.png"])[1] == (CAT, "cow")
    assert rows_of(pages["b.png"])[1][0] == DOG
    assert project.record.objects_elsewhere(DOG, "a.png") == (3, 1)
    project.close()


def test_exports_call_classes_as_the_project_does(images: Path) -> None:
    project = labelled(images)
    tiger = LabelClass(CAT, "tiger", (1, 2, 3))
    project.note(_with(project, CLASSES.with_class(tiger)))
    pages = on_disk(project)
    assert rows_of(pages["b.png"])[2] == (CAT, "tiger")
    assert pages["c.png"].layers["x"].classes.get(CAT) == tiger
    project.close()
