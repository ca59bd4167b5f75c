"""Classes that are taken away while most images are not open."""

import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.project.page_edits import CLASSES, Page, assert_same, row

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.formats.exchange.settings import ExportSettings
from napari_edgeflow.formats.kinds.coco.dataset import read_coco
from napari_edgeflow.project.content.records import LabelContent, PageContent
from napari_edgeflow.project.exchange.exports import export_project
from napari_edgeflow.project.folder import Project, ProjectPlace, open_project
from napari_edgeflow.project.storage.project_file import PageSummary

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


def settle(images: Path) -> None:
    """Wait until no label image is being written: files can be copied one by one."""
    for _ in range(600):
        if not [*images.rglob("*.journal"), *images.rglob("*.part*")]:
            return
        time.sleep(0.05)
    raise TimeoutError("label images are still being written")


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


def bring_back(project: Project, class_id: int) -> None:
    project.note(_with(project, CLASSES))
    project.note(project.record.with_class_again(class_id))


def look_at(project: Project, name: str) -> PageContent:
    """Open a page and turn it, as a person does who only looks."""
    content = project.open_page(name).content
    project.note_page(name, content, edited=False)
    project.leave_page(name)
    return content


@pytest.mark.parametrize("heir", [CAT, 0])
def test_a_class_is_brought_back_on_closed_and_opened_pages(
    images: Path, tmp_path: Path, heir: int
) -> None:
    project = labelled(images)
    before, record = on_disk(project), project.record
    take_away(project, DOG, heir, "a.png")
    for name in ("b.png", "c.png"):
        look_at(project, name)
    assert 3 not in [
        i for i, r in rows_of(on_disk(project)["b.png"]).items() if r[0] == DOG
    ]
    bring_back(project, DOG)
    assert project.record.removed == ()
    assert project.record.pages == record.pages
    # All of it is on disk with the record: nothing must be opened for that, and the
    # program may be killed.
    on_disk(project)
    settle(images)
    killed = shutil.copytree(images, tmp_path / "killed")
    for place in (
        ProjectPlace(images, read_only=True),
        ProjectPlace(killed, force=True),
    ):
        again = open_project(place)
        for name, content in before.items():
            assert_same(again.open_page(name).content, content)
        again.close()
    project.close()


def test_what_was_done_since_stays_when_a_class_comes_back(images: Path) -> None:
    project = labelled(images)
    take_away(project, DOG, 0, "a.png")
    page = project.open_page("b.png").content.layers["objects"]
    labels, rows = page.labels.copy(), dict(page.rows)
    # Where object 1 was, half is taken; a new object has got the number of object 3.
    labels[9:11], labels[35:40, 40:50] = 2, 3
    rows[3] = row(CAT)
    project.note_page(
        "b.png", PageContent({"objects": replace(page, labels=labels, rows=rows)})
    )
    project.leave_page("b.png")
    bring_back(project, DOG)
    content = on_disk(project)["b.png"]
    back = content.layers["objects"]
    assert {i: one[0] for i, one in rows_of(content).items()} == {
        1: DOG,
        2: CAT,
        3: CAT,
        4: DOG,
    }
    assert (back.labels[9:11, :20] == 2).all()
    assert (back.labels[11:14, :20] == 1).all()
    assert (back.labels[35:40, 40:50] == 3).all()
    assert (back.labels == 4).sum() == 5 * 20
    project.close()


def test_classes_come_back_in_another_order_than_they_went(images: Path) -> None:
    cow = LabelClass(3, "cow", (9, 9, 9))
    project = labelled(images)
    project.note(_with(project, CLASSES.with_class(cow)))
    project.note(project.record.without_class(CAT, DOG))
    for name in ("b.png", "c.png"):
        look_at(project, name)
    project.note(project.record.without_class(DOG, cow.id))
    for name in ("b.png", "c.png"):
        look_at(project, name)
    project.note(project.record.with_class_again(CAT))
    pages = on_disk(project)
    assert {i: one[0] for i, one in rows_of(pages["b.png"]).items()} == {
        1: 3,
        2: CAT,
        3: 3,
    }
    assert np.unique(pages["c.png"].layers["x"].labels).tolist() == [CAT, 3]
    # Dogs are cows by now: so are cats that become dogs once more.
    project.note(_with(project, ClassTable((CLASSES.get(CAT), cow))))
    project.note(project.record.without_class(CAT, DOG))
    pages = on_disk(project)
    assert {one[0] for one in rows_of(pages["b.png"]).values()} == {3}
    project.close()


def test_what_can_not_be_undone_any_more_is_not_kept(images: Path) -> None:
    project = labelled(images)
    take_away(project, DOG, 0, "a.png")
    look_at(project, "b.png")
    assert on_disk(project)["b.png"].layers["objects"].taken
    project.close()
    again = open_project(ProjectPlace(images))
    assert not look_at(again, "b.png").layers["objects"].taken
    assert not look_at(again, "c.png").layers["x"].taken
    assert not on_disk(again)["b.png"].layers["objects"].taken
    again.close()


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
    assert project.record.objects_on_other_pages(DOG, "a.png") == (3, 1)
    project.close()


def test_exports_call_classes_as_the_project_does(images: Path) -> None:
    project = labelled(images)
    tiger = LabelClass(CAT, "tiger", (1, 2, 3))
    project.note(_with(project, CLASSES.with_class(tiger)))
    pages = on_disk(project)
    assert rows_of(pages["b.png"])[2] == (CAT, "tiger")
    assert pages["c.png"].layers["x"].classes.get(CAT) == tiger
    project.close()
