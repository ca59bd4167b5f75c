import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.project.page_edits import CLASSES, Page, assert_same, row

from napari_edgeflow.formats.kinds.label_images.folder import read_label_file
from napari_edgeflow.project.content.records import LabelContent, PageContent
from napari_edgeflow.project.storage.page_files import (
    NewerProjectError,
    PageFiles,
    StoredPage,
    read_page,
)
from napari_edgeflow.project.storage.page_writer import PageWriter


def files(tmp_path: Path, name: str = "sub/ä b.jpg") -> PageFiles:
    return PageFiles(tmp_path, name)


def opened(where: PageFiles) -> PageWriter:
    return PageWriter(where, read_page(where))


def compact(writer: PageWriter) -> None:
    writer.begin_compaction()()
    writer.end_compaction()


def test_edits_come_back_from_the_journal_alone(tmp_path: Path) -> None:
    where, page = files(tmp_path), Page((300, 80))
    writer = opened(where)
    for index in (1, 5, 260):
        page.add(index, slice(index, index + 20), slice(4, 70))
        assert writer.write(page.content())
    del page.rows[5]
    page.labels[page.labels == 5] = 0
    page.draft = {"clicks": [1, 2]}
    assert writer.write(page.content())
    assert not writer.write(page.content())
    assert not where.record.exists()
    assert_same(read_page(where).content, page.content())


def test_edits_come_back_from_label_images_and_a_new_journal(tmp_path: Path) -> None:
    where, page = files(tmp_path), Page()
    writer = opened(where)
    for index in range(1, 30):
        page.add(index)
        writer.write(page.content())
        if index % 7 == 0:
            compact(writer)
    assert_same(read_page(where).content, page.content())
    assert len(where.journals()) == 1
    compact(writer)
    assert writer.is_compact
    assert where.journals() == []
    assert_same(read_page(where).content, page.content())
    again = opened(where)
    page.add(3)
    again.write(page.content())
    assert_same(read_page(where).content, page.content())


@pytest.mark.parametrize("step", ["labels", "record"])
def test_a_compaction_that_ends_half_way_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    where, page = files(tmp_path), Page()
    writer = opened(where)
    page.add(1)
    writer.write(page.content())
    compact(writer)
    page.add(2)
    page.labels[:4] = 0
    writer.write(page.content())
    work = writer.begin_compaction()
    page.add(3)
    writer.write(page.content())
    target = "write_label_image" if step == "labels" else "write_durably"

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"napari_edgeflow.project.storage.page_files.{target}", killed)
    with pytest.raises(KeyboardInterrupt):
        work()
    assert_same(read_page(where).content, page.content())


def test_a_page_that_was_only_looked_at_leaves_no_file(tmp_path: Path) -> None:
    writer = opened(files(tmp_path))
    assert not writer.write(Page().content())
    assert list(tmp_path.iterdir()) == []


def test_stacks_and_other_types_and_shapes(tmp_path: Path) -> None:
    where, page = files(tmp_path), Page((3, 20, 30))
    writer = opened(where)
    page.labels[1, 5:8] = 2
    writer.write(page.content())
    page.labels = page.labels.astype(np.uint32)
    page.labels[2, 0, 0] = 70_000
    writer.write(page.content())
    compact(writer)
    assert_same(read_page(where).content, page.content())
    page.labels = np.ones((4, 5), np.uint8)
    writer.write(page.content())
    assert_same(read_page(where).content, page.content())


def test_changed_classes_and_rows_alone_are_edits(tmp_path: Path) -> None:
    where, page = files(tmp_path), Page()
    writer = opened(where)
    page.add(1)
    writer.write(page.content())
    page.rows[1] = row(2)
    fewer = CLASSES.without(1)
    layer = LabelContent("object", fewer, page.labels, dict(page.rows))
    writer.write(PageContent({"objects": layer}))
    found = read_page(where).content.layers["objects"]
    assert (found.classes, found.rows) == (fewer, {1: row(2)})


def test_others_can_read_the_label_images(tmp_path: Path) -> None:
    where, page = files(tmp_path, "a.jpg"), Page()
    page.add(7)
    semantic = LabelContent("semantic", CLASSES, (page.labels > 0).astype(np.uint8))
    writer = opened(where)
    objects = page.content().layers["objects"]
    writer.write(PageContent({"objects": objects, "classes": semantic}))
    compact(writer)
    png, tif = (
        tmp_path / "labels" / f"a.jpg.{n}" for n in ("classes.png", "objects.tif")
    )
    assert [o.class_id for o in read_label_file(tif, "a.jpg").objects] == [2]
    assert [o.class_id for o in read_label_file(png, "a.jpg").objects] == [1]


def test_a_newer_page_is_refused(tmp_path: Path) -> None:
    where = files(tmp_path, "a.jpg")
    where.record.parent.mkdir()
    where.record.write_text(json.dumps({"version": 99}))
    with pytest.raises(NewerProjectError, match=r"version 99.*update"):
        read_page(where)


def test_damaged_files_are_named_and_kept(tmp_path: Path) -> None:
    where, page = files(tmp_path, "a.jpg"), Page()
    page.add(1)
    writer = opened(where)
    writer.write(page.content())
    compact(writer)
    image = tmp_path / "labels" / "a.jpg.objects.tif"
    image.write_bytes(b"not a tiff")
    found = read_page(where)
    assert "a.jpg" in found.problems[0]
    assert found.content.layers["objects"].rows == page.rows
    again = PageWriter(where, found)
    page.add(9)
    again.write(page.content())
    compact(again)
    assert image.with_name(image.name + ".damaged").read_bytes() == b"not a tiff"
    assert_same(read_page(where).content, page.content())


def test_edits_are_saved_though_the_journal_was_taken_away(tmp_path: Path) -> None:
    where, page = files(tmp_path, "a.jpg"), Page()
    writer = opened(where)
    page.add(1)
    writer.write(page.content())
    compact(writer)
    for index, folder in ((2, False), (3, True)):
        page.add(index)
        page.labels[:2] = index - 2
        writer.write(page.content())
        if folder:
            shutil.rmtree(where.record.parent)
        else:
            where.journals()[0].unlink()
        page.rows.pop(index)
        page.add(index + 5)
        assert writer.write(page.content())
        assert_same(read_page(where).content, page.content())
    compact(writer)
    assert_same(read_page(where).content, page.content())


@pytest.mark.parametrize(
    "name", ["ä" * 122 + ".jpg", "x" * 235 + ".jpg", "x" * 236 + ".jpg", "b\udcff.jpg"]
)
def test_names_of_any_length_and_bytes_are_saved(tmp_path: Path, name: str) -> None:
    where, page = files(tmp_path, f"sub/{name}"), Page()
    writer = opened(where)
    page.add(1)
    writer.write(page.content())
    assert_same(read_page(where).content, page.content())
    compact(writer)
    page.add(2)
    writer.write(page.content())
    assert_same(read_page(where).content, page.content())
    other = files(tmp_path, f"sub/{name[:-5]}y.jpg")
    assert read_page(other).content.layers == {}


def test_a_folder_with_the_name_of_a_record_is_let_alone(tmp_path: Path) -> None:
    where, page = files(tmp_path, "a.jpg"), Page()
    inside = where.record / "b.jpg.json"
    inside.parent.mkdir(parents=True)
    inside.touch()
    writer = opened(where)
    page.add(1)
    writer.write(page.content())
    assert_same(read_page(where).content, page.content())
    with pytest.raises(OSError, match="is a folder"):
        writer.begin_compaction()()
    assert inside.exists()
    assert_same(read_page(where).content, page.content())


def test_a_record_that_names_other_files_moves_none_of_them(tmp_path: Path) -> None:
    home, page = tmp_path / "home", Page()
    where = files(home, "a.jpg")
    own = tmp_path / "a.png"
    own.write_bytes(b"a photograph")
    writer = opened(where)
    page.add(1)
    writer.write(page.content())
    compact(writer)
    text = where.record.read_text(encoding="utf-8")
    for hostile in ("../a.png", own.as_posix(), "labels/../../a.png", ""):
        there = text.replace("labels/a.jpg.objects.tif", hostile)
        where.record.write_text(there, encoding="utf-8")
        found = read_page(where)
        assert "is not in the folder labels" in found.problems[0]
        again = PageWriter(where, found)
        again.write(page.content())
        compact(again)
        assert own.read_bytes() == b"a photograph"
        assert_same(read_page(where).content, page.content())


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ('"shape": [', '"shape": [1e999, '),
        ('"shape": [', '"shape": [-3, '),
        ('"dtype": "', '"dtype": "no such type'),
        ('"number": 1', '"number": Infinity'),
        ('"id": 1', '"id": {}'),
        ('"class_id": 2', '"class_id": [2]'),
        ('"draft": null', '"draft": ' + "[" * 100_000),
        ('"objects": [', '"objects": [7, '),
    ],
)
def test_damage_of_any_kind_is_named_and_left_out(
    tmp_path: Path, good: str, bad: str
) -> None:
    where, page = files(tmp_path, "a.jpg"), Page()
    writer = opened(where)
    page.add(1)
    writer.write(page.content())
    compact(writer)
    text = where.record.read_text(encoding="utf-8")
    assert good in text.replace("\n  ", "").replace("\n", "") or good in text
    where.record.write_text(text.replace(good, bad, 1), encoding="utf-8")
    (where.record.parent / "a.jpg.000009.journal").write_bytes(b"EFJ1\n" + b"x" * 99)
    found = read_page(where)
    if bad in where.record.read_text(encoding="utf-8"):
        assert "damaged" in found.problems[0]
    again = PageWriter(where, found)
    page.add(5)
    again.write(page.content())
    assert_same(read_page(where).content, page.content())


def test_a_damaged_record_costs_the_rows_only_of_itself(tmp_path: Path) -> None:
    where = files(tmp_path, "a.jpg")
    where.record.parent.mkdir()
    where.record.write_text('{"version": 1, "layers": 3}')
    found = read_page(where)
    assert "damaged" in found.problems[0]
    assert found.content.layers == StoredPage().content.layers


def test_labels_are_left_out_while_a_step_is_being_done_to_them(tmp_path: Path) -> None:
    where, page = files(tmp_path), Page()
    writer, other = opened(where), Page(key="other")
    page.add(1)
    other.add(2)
    told: list[int | None] = [None]

    def content() -> PageContent:
        layers = {**page.content().layers, **other.content().layers}
        busy = replace(layers["objects"], quiet=lambda: told[-1])
        return PageContent({**layers, "objects": busy})

    assert writer.write(content())
    assert writer.is_behind
    assert list(read_page(where).content.layers) == ["other"]
    # A step that begins and ends while labels are compared is not half on disk either.
    numbers = iter((1, 2))
    layer = replace(page.content().layers["objects"], quiet=lambda: next(numbers))
    assert not writer.write(PageContent({"objects": layer}))
    assert writer.is_behind
    told.append(2)
    assert writer.write(content())
    assert not writer.is_behind
    saved = read_page(where).content.layers["objects"].labels
    np.testing.assert_array_equal(saved, page.labels)
