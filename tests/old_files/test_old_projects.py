"""Project folders that version 0.1.0 wrote, as its dock and without a window.

The program was killed: the lock is there, two images have journals, and the last entry
of one of them was cut off. Classes were taken away while most images were closed: cats
became dogs, birds were deleted, cows were deleted and brought back.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_edgeflow.project.folder import (
    Project,
    ProjectPlace,
    count_states,
    open_project,
)
from napari_edgeflow.project.storage.lock import ProjectLockedError

BIRD, DOG, COW, PERSON, LARGE = 3, 12, 10, 15, 300

NAMES = [
    "a 2.png", "a 10.png", "classes.png", "cow.png", "large ids.png",
    "looked at.png", "new.png", "only journal.png", "stack.tif", "sub/b 3.png",
]  # fmt: skip

CLASSES = {
    1: "aeroplane", 2: "bicycle", 4: "boat", 5: "bottle", 6: "bus", 7: "car",
    9: "chair", 10: "cow", 11: "diningtable", 12: "dog", 13: "horse",
    14: "motorbike", 15: "person", 16: "pottedplant", 17: "sheep", 18: "sofa",
    19: "train", 20: "tvmonitor", 300: "größe 300",
}  # fmt: skip

BRUSH = {
    "brush": [36, 8, 40, 14],
    "inside": "c${NCZvy}U<^c}",
    "outside": "c%1uVa2Nmt8UgS",
}
CLICKS = [
    {"y": 38.0, "x": 10.0, "positive": True},
    {"y": 30.5, "x": 4.25, "positive": False},
]
STROKE = [
    {"y": 36.0, "x": 8.0, "positive": True},
    {"y": 42.0, "x": 20.0, "positive": True},
]
PROMPTS = [{"box": [34, 6, 44, 22]}, *CLICKS, BRUSH, {"stroke": STROKE}]


def row(class_id: int, **more: Any) -> dict[str, Any]:
    """What is known of an object that was clicked on nowhere."""
    return {
        "class_id": class_id,
        "class_name": CLASSES[class_id],
        "clicks": [],
        "seconds": 2.25,
        "plane": [None, None],
        "source": "click",
        "view": None,
        "prompts": "",
        **more,
    }


def boxes(
    shape: tuple[int, ...], dtype: str, *found: tuple[int, int, int, int, int]
) -> NDArray[Any]:
    """Labels of boxes: value, top, left, bottom, right."""
    labels = np.zeros(shape, dtype)
    for value, top, left, bottom, right in found:
        labels[top:bottom, left:right] = value
    return labels


def stack() -> NDArray[Any]:
    labels = np.zeros((3, 32, 40), np.uint16)
    labels[1, 4:9, 4:9], labels[2, 20:30, 20:30] = 5, 70
    return labels


FLAT = (48, 64)
EDITED = (3, 0, 40, 3, 60)
SECOND, THIRD = (2, 14, 2, 24, 12), (3, 26, 2, 36, 12)
ANIMALS = {2: row(DOG, note="mine"), 3: row(DOG)}

LABELS: dict[str, dict[str, tuple[str, NDArray[Any]]]] = {
    "a 2.png": {
        "objects": (
            "object",
            boxes(
                FLAT, "u2", (1, 8, 12, 24, 32), (2, 36, 6, 44, 22), (3, 0, 40, 3, 60)
            ),
        )
    },
    "a 10.png": {
        "objects": ("object", boxes(FLAT, "u2", (1, 0, 0, 4, 5))),
        "labels": ("plain", boxes(FLAT, "u1", (7, 40, 50, 48, 64))),
    },
    "classes.png": {
        "classes": (
            "semantic",
            boxes(FLAT, "u1", (DOG, 10, 0, 30, 64), (255, 30, 0, 31, 64)),
        )
    },
    "cow.png": {
        "objects": ("object", boxes(FLAT, "u2", (1, 2, 2, 12, 12), SECOND, THIRD))
    },
    "large ids.png": {
        "classes": (
            "semantic",
            boxes(FLAT, "u2", (LARGE, 0, 0, 10, 64), (DOG, 10, 0, 20, 64)),
        )
    },
    "looked at.png": {"objects": ("object", boxes(FLAT, "u2", SECOND, THIRD))},
    "only journal.png": {
        "objects": (
            "object",
            boxes(
                FLAT, "u2", (2, 15, 6, 18, 16), (3, 25, 6, 28, 16), (4, 35, 6, 38, 16)
            ),
        )
    },
    "stack.tif": {"objects": ("object", stack())},
    "sub/b 3.png": {"objects": ("object", boxes(FLAT, "u2", SECOND, THIRD))},
}

ROWS: dict[str, dict[int, dict[str, Any]]] = {
    "a 10.png": {1: row(DOG, seconds=3.0, source="polygon")},
    "cow.png": {1: row(COW), 2: row(DOG), 3: row(COW)},
    "looked at.png": ANIMALS,
    "only journal.png": {2: row(DOG), 3: row(PERSON), 4: row(DOG)},
    "stack.tif": {
        5: row(DOG, plane=[1, None, None]),
        70: row(DOG, plane=[2, None, None]),
    },
    "sub/b 3.png": ANIMALS,
}

CLICKED = {"y": 15.945493679585162, "x": 21.990210472551638, "positive": True}


@pytest.fixture
def images(copy_of: Callable[[str], Path]) -> Path:
    return copy_of("project")


@pytest.fixture(params=["to write", "to look only"])
def project(images: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    """The project, opened in both ways."""
    look = request.param == "to look only"
    found = open_project(ProjectPlace(images, read_only=look, force=not look))
    yield found
    assert found.close()


def test_images_classes_and_states_are_those_that_were_left(project: Project) -> None:
    record = project.record
    assert project.names == NAMES
    assert record.last == "a 2.png"
    assert {entry.id: entry.name for entry in record.classes} == CLASSES
    assert record.classes.get(PERSON).colour == (192, 128, 128)
    assert record.classes.get(LARGE).colour == (1, 2, 3)
    assert count_states(project) == {"new": 1, "work": 7, "done": 2}
    known = {n: (p.state, p.objects, dict(p.classes)) for n, p in record.pages.items()}
    assert known == {
        "a 2.png": ("work", 3, {DOG: 2, PERSON: 1}),
        "a 10.png": ("done", 1, {DOG: 1}),
        "sub/b 3.png": ("done", 2, {DOG: 2}),
        "looked at.png": ("work", 2, {DOG: 2}),
        "cow.png": ("work", 3, {COW: 2, DOG: 1}),
        "classes.png": ("work", 0, {}),
        "large ids.png": ("work", 0, {}),
        "stack.tif": ("work", 2, {DOG: 2}),
        "only journal.png": ("work", 3, {DOG: 2, PERSON: 1}),
    }
    taken = [(r.number, r.class_id, r.heir) for r in record.removed]
    assert (record.removals, taken) == (3, [(1, 8, DOG), (2, BIRD, 0)])
    assert dict(record.settings) == {
        "Project folder": {"kind": "object", "skip_broken": True, "state": None},
        "Click to label": {
            "model": "edgeflow-lite",
            "threshold": 0.6,
            "left_positive": True,
            "keep_existing": True,
            "class_id": DOG,
        },
        "Objects": {},
    }
    assert len(record.window) > 100


def test_every_pixel_and_every_object_is_there(project: Project) -> None:
    for name in NAMES:
        page, expected = project.open_page(name), LABELS.get(name, {})
        assert page.problems == ()
        assert list(page.content.layers) == list(expected)
        for key, (kind, labels) in expected.items():
            layer = page.content.layers[key]
            assert layer.kind == kind
            assert layer.labels.dtype == labels.dtype
            np.testing.assert_array_equal(layer.labels, labels, err_msg=name)
            known = {} if kind == "plain" else CLASSES
            assert {entry.id: entry.name for entry in layer.classes} == known
        if name in ROWS:
            rows = page.content.layers["objects"].rows
            assert {i: dict(one) for i, one in rows.items()} == ROWS[name]


def test_objects_know_the_prompts_that_gave_them(project: Project) -> None:
    rows = project.open_page("a 2.png").content.layers["objects"].rows
    assert {i: dict(one) for i, one in rows.items()} == {
        1: row(PERSON, clicks=[CLICKED], seconds=rows[1]["seconds"]),
        2: row(
            DOG,
            clicks=CLICKS,
            seconds=12.5,
            source="box",
            view=[20, 0, 48, 40],
            prompts=PROMPTS,
        ),
        3: row(DOG),
    }


def test_unfinished_objects_are_there(project: Project) -> None:
    draft = project.open_page("a 2.png").content.draft
    assert draft is not None
    assert draft["plane"] == [None, None]
    assert [prompt["positive"] for prompt in draft["prompts"]] == [True, False]
    assert draft["prompts"][0]["y"] == pytest.approx(36.03159351347392)
    assert (draft["class_id"], draft["origin_id"]) == (DOG, None)
    # One that corrects an object, and is in the journal only.
    assert project.open_page("only journal.png").content.draft == {
        "plane": [None, None],
        "prompts": PROMPTS,
        "class_id": PERSON,
        "seconds": 4.5,
        "view": [0, 0, 48, 40],
        "origin_id": 2,
        "origin_window": [15, 6, 18, 16],
        "origin_mask": "c%1wH|NkEV3HJl~",
        "replays": True,
    }
    assert project.open_page("a 10.png").content.draft is None


def test_a_lock_of_another_computer_is_respected(images: Path) -> None:
    with pytest.raises(ProjectLockedError, match="process 4242 on another-computer"):
        open_project(ProjectPlace(images))


def test_the_last_good_copy_opens(images: Path) -> None:
    (images / "napari-edgeflow" / "project.json").write_text("oh")
    found = open_project(ProjectPlace(images, force=True, restore=True))
    assert {entry.id: entry.name for entry in found.record.classes} == CLASSES
    assert count_states(found) == {"new": 1, "work": 7, "done": 2}
    assert found.close()


def test_what_is_edited_now_is_read_together_with_what_was_there(images: Path) -> None:
    found = open_project(ProjectPlace(images, force=True))
    for name in ("a 2.png", "sub/b 3.png"):
        content = found.open_page(name).content
        content.layers["objects"].labels[47, 60] = 2
        assert not found.note_page(name, content)
        found.leave_page(name)
    assert found.close()
    again = open_project(ProjectPlace(images))
    for name in NAMES:
        content = again.open_page(name).content
        for key, (_, labels) in LABELS.get(name, {}).items():
            expected = labels.copy()
            if name in ("a 2.png", "sub/b 3.png"):
                expected[47, 60] = 2
            np.testing.assert_array_equal(content.layers[key].labels, expected)
    assert again.close()


def test_a_class_that_is_brought_back_is_so_on_all_pages(images: Path) -> None:
    found = open_project(ProjectPlace(images, force=True))
    found.note(found.record.with_class_again(BIRD))
    # One was looked at while there were no birds, the other was not.
    for name in ("looked at.png", "sub/b 3.png"):
        layer = found.open_page(name).content.layers["objects"]
        expected = boxes(FLAT, "u2", (1, 2, 2, 12, 12), SECOND, THIRD)
        np.testing.assert_array_equal(layer.labels, expected)
        bird = {**row(DOG), "class_id": BIRD, "class_name": "bird"}
        assert {i: dict(one) for i, one in layer.rows.items()} == {1: bird, **ANIMALS}
        assert found.record.page(name).objects == 3
    assert found.close()


def test_the_dock_goes_on_where_it_was_left(
    make_napari_viewer: Callable[..., Any], qtbot: Any, images: Path
) -> None:
    (images / "napari-edgeflow" / "project.lock").unlink()
    viewer = make_napari_viewer()
    _, dock = viewer.window.add_plugin_dock_widget("napari-edgeflow", "Project folder")
    dock.controller.open(ProjectPlace(images))

    def until(condition: Callable[[], bool]) -> None:
        qtbot.waitUntil(condition, timeout=30_000)

    def turn(name: str) -> Any:
        dock.controls.page_asked.emit(name)
        until(lambda: dock.controller.current == name and not dock.controller.busy)
        return dock.controller.page.labels

    until(lambda: dock.controller.current == "a 2.png" and not dock.controller.busy)
    labels = dock.controller.page.labels
    np.testing.assert_array_equal(labels.data, LABELS["a 2.png"]["objects"][1])
    assert labels.features["class_name"].tolist() == ["person", "dog", "dog"]
    # The docks that were open are open again, with their settings.
    docks = {n.split(" (")[0]: w for n, w in viewer.window.dock_widgets.items()}
    assert set(docks) == {"Project folder", "Click to label", "Objects"}
    assert dock.controls.skip_broken.isChecked()
    click = docks["Click to label"]
    settings = click.controls.settings()
    assert (settings.model, settings.threshold) == ("edgeflow-lite", pytest.approx(0.6))
    assert (settings.keep_existing, settings.class_id) == (True, DOG)
    # The object in progress is gone on with.
    notice = dock.controls.notice
    assert "with 2 clicks." in notice.text.text()
    notice.buttons[0].click()
    until(lambda: len(click.controller.clicks) == 2 and not click.controller.busy)
    assert [one.positive for one in click.controller.clicks] == [True, False]
    assert click.controller.clicks[0].y == pytest.approx(36.03, abs=0.01)
    for name in ("cow.png", "classes.png", "stack.tif"):
        ((_, expected),) = LABELS[name].values()
        np.testing.assert_array_equal(turn(name).data, expected)
    turn("a 10.png")
    assert [layer.name for layer in viewer.layers][:3] == [
        "a 10",
        "a 10 objects",
        "a 10 labels",
    ]
    assert dock.controls.done.isChecked()
    viewer.window.remove_dock_widget(dock)
    qtbot.wait(1)
