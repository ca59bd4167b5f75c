from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtGui import QColor
from tests.widgets.dock_person import MakePerson

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.widgets.classes import layer as class_layer
from napari_edgeflow.widgets.classes.layer import ClassLayer
from napari_edgeflow.widgets.classes.list import ClassList
from napari_edgeflow.widgets.classes.question import ClassQuestion
from napari_edgeflow.widgets.layers.labels import add_labels, read_scheme, write_scheme
from napari_edgeflow.widgets.layers.object_records import ObjectRecord, read_records
from napari_edgeflow.widgets.layers.planes import Plane
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.workspace import Workspace

CAT, DOG, OWL = 8, 12, 3


class Room:
    """A viewer with labels, and a list of their classes."""

    def __init__(self, viewer: Any, qtbot: Any, kind: Any) -> None:
        self.viewer, self.qtbot = viewer, qtbot
        self.history = Workspace.of(viewer).history
        self.classes = ClassList(ClassTable.voc())
        qtbot.addWidget(self.classes)
        self.work = ClassLayer(viewer, self.classes)
        self.layer = viewer.add_labels(np.zeros((2, 600, 40), np.uint8))
        write_scheme(self.layer, LabelScheme(kind, ClassTable.voc()))
        self.kind = kind
        self.put(1, CAT, (0, slice(0, 4), slice(0, 4)))
        self.put(2, CAT, (1, slice(550, 560), slice(0, 2)))
        self.put(3, DOG, (1, slice(0, 3), slice(0, 3)))
        self.work.follow(self.layer)
        self.wait()

    def put(self, object_id: int, class_id: int, where: Any) -> None:
        at, rows, columns = where
        plane = Plane((at, None, None))
        window = Window(rows.start, columns.start, rows.stop, columns.stop)
        mask = np.ones((window.height, window.width), bool)
        is_object = self.kind == "object"
        value = object_id if is_object else class_id
        name = ClassTable.voc().get(class_id).name
        record = ObjectRecord(object_id, class_id, name, (), 1.0, plane)
        self.history.apply(
            self.layer,
            "put",
            [PixelChange(plane, window, mask, value)],
            [record] if is_object else [],
        )

    def wait(self) -> None:
        self.qtbot.waitUntil(lambda: not self.work.busy, timeout=20_000)

    def remove(self, class_id: int) -> None:
        self.classes.choose(class_id)
        self.classes.remove_class()
        self.wait()

    def pixels(self) -> dict[int, int]:
        values, counts = np.unique(self.layer.data, return_counts=True)
        found = dict(zip(values.tolist(), counts.tolist(), strict=True))
        found.pop(0)
        return found

    @property
    def ids(self) -> list[int]:
        return [entry.id for entry in self.classes.classes]


@pytest.fixture
def make_room(qtbot: Any) -> Callable[[str], Room]:
    rooms: list[Room] = []

    def make(kind: str) -> Room:
        rooms.append(Room(ViewerModel(), qtbot, kind))
        return rooms[-1]

    yield make  # type: ignore[misc]
    for room in rooms:
        room.work.close()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    given: list[Any] = []
    monkeypatch.setattr(class_layer, "ask_heir", lambda *_, **__: given.pop(0))
    return given


def test_a_merge_is_written_to_its_end_before_the_layer_goes(
    make_room: Callable[[str], Room],
    answers: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = make_room("semantic")
    # Stands for a layer that takes long.
    monkeypatch.setattr(room.work._turns._timer, "start", lambda _: None)
    answers.append(DOG)
    room.classes.choose(CAT)
    room.classes.remove_class()
    room.qtbot.waitUntil(lambda: room.work._turns.busy, timeout=20_000)
    assert CAT in room.pixels()
    Workspace.of(room.viewer).class_steps.finish_asked.emit()
    assert list(room.pixels()) == [DOG]
    assert CAT not in room.ids


def test_objects_are_counted_hidden_deleted_and_brought_back(
    make_room: Callable[[str], Room], answers: list[Any]
) -> None:
    room = make_room("object")
    assert room.classes.count_text(CAT) == "2 objects"
    assert room.classes.count_text(DOG) == "1 object"
    assert room.classes.count_text(OWL) == ""
    before = room.layer.data.copy()

    room.classes.hide_classes(frozenset({CAT}))
    assert room.layer.colormap.color_dict[1][3] == 0
    assert room.layer.colormap.color_dict[3][3] == 1
    room.put(4, CAT, (0, slice(30, 32), slice(30, 32)))
    assert room.layer.colormap.color_dict[4][3] == 0
    room.history.undo()
    room.classes.hide_classes(frozenset())
    assert room.layer.colormap.color_dict[1][3] == 1
    assert np.array_equal(room.layer.data, before)

    answers.append(None)
    room.remove(CAT)
    assert CAT in room.ids
    answers.append(0)
    room.remove(CAT)
    assert CAT not in room.ids
    assert room.pixels() == {3: 9}
    assert list(read_records(room.layer)) == [3]
    room.history.undo()
    assert room.ids == [entry.id for entry in ClassTable.voc()]
    assert np.array_equal(room.layer.data, before)
    assert read_records(room.layer)[2].class_id == CAT
    room.history.redo()
    assert CAT not in room.ids
    assert room.pixels() == {3: 9}


def test_objects_get_another_class_and_its_name(
    make_room: Callable[[str], Room], answers: list[Any]
) -> None:
    room = make_room("object")
    before = room.layer.data.copy()
    answers.append(DOG)
    room.remove(CAT)
    assert np.array_equal(room.layer.data, before)
    records = read_records(room.layer)
    assert {r.class_name for r in records.values()} == {"dog"}
    assert room.classes.count_text(DOG) == "3 objects"
    assert room.history.undo_text == "merge class cat into dog"
    # A class is renamed in the rows of its objects, too.
    hound = replace(room.classes.classes.get(DOG), name="hound")
    renamed = room.classes.classes.with_class(hound)
    write_scheme(room.layer, LabelScheme("object", renamed))
    assert {r.class_name for r in read_records(room.layer).values()} == {"hound"}


def test_pixels_are_counted_merged_and_brought_back(
    make_room: Callable[[str], Room], answers: list[Any]
) -> None:
    room = make_room("semantic")
    assert room.classes.count_text(CAT) == "36 pixels"
    room.classes.hide_classes(frozenset({DOG}))
    assert room.layer.colormap.color_dict[DOG][3] == 0
    answers.append(OWL)
    room.classes.choose(CAT)
    room.classes.merge_asked.emit(CAT)
    room.wait()
    assert room.pixels() == {OWL: 36, DOG: 9}
    room.wait()
    room.qtbot.waitUntil(lambda: room.classes.count_text(OWL) == "36 pixels")
    room.history.undo()
    assert room.pixels() == {CAT: 36, DOG: 9}
    assert CAT in room.ids
    # The brush counts as well.
    room.layer.data_setitem((np.array([0]), np.array([20]), np.array([20])), OWL)
    room.qtbot.waitUntil(lambda: room.classes.count_text(OWL) == "1 pixel")


def test_a_class_made_anew_is_not_undone_by_other_steps(
    make_room: Callable[[str], Room], answers: list[Any]
) -> None:
    room = make_room("object")
    answers.append(0)
    room.remove(CAT)
    room.classes.add_class()
    assert CAT in room.ids
    write_scheme(room.layer, LabelScheme("object", room.classes.classes))
    room.put(9, CAT, (0, slice(8, 9), slice(8, 9)))
    room.history.undo()
    assert CAT in room.ids


def test_edits_of_the_table_are_steps_among_those_of_objects(
    make_room: Callable[[str], Room],
) -> None:
    room = make_room("object")
    classes, history = room.classes, room.history
    classes.changed.connect(
        lambda: write_scheme(room.layer, LabelScheme("object", classes.classes))
    )

    def now() -> tuple[Any, ...]:
        assert read_scheme(room.layer).classes == classes.classes
        colour = tuple(room.layer.colormap.color_dict[1].tolist())
        names = tuple(r.class_name for r in read_records(room.layer).values())
        return classes.classes, colour, names

    states = [now()]
    classes.choose(CAT)
    tiger = replace(classes.classes.get(CAT), name="tiger")
    for what, edit in (
        (
            "rename class cat to tiger",
            lambda: classes.replace(classes.classes.with_class(tiger), CAT),
        ),
        ("recolour class tiger", lambda: classes.set_colour(QColor(1, 2, 3))),
        ("reorder the classes", lambda: classes.move_class(2)),
        ("put", lambda: room.put(7, DOG, (0, slice(20, 22), slice(0, 4)))),
        ("delete class bird", lambda: room.remove(OWL)),
        ("add class class 3", classes.add_class),
    ):
        edit()
        assert history.undo_text == what
        states.append(now())
    assert states[1][2] == ("tiger", "tiger", "dog")
    for state in reversed(states[:-1]):
        history.undo()
        assert now() == state
    for state in states[1:5]:
        history.redo()
        assert now() == state


def test_classes_of_no_layer_yet_are_brought_back(
    make_room: Callable[[str], Room],
) -> None:
    room = make_room("object")
    room.work.follow(None)
    told: list[int] = []
    room.classes.changed.connect(lambda: told.append(len(room.classes.classes)))
    room.remove(OWL)
    assert room.history.undo_text == "delete class bird"
    room.history.undo()
    assert room.classes.classes == ClassTable.voc()
    assert told[-1] == 20
    room.history.redo()
    assert OWL not in room.ids
    assert read_scheme(room.layer).classes == ClassTable.voc()


def test_layers_come_and_go(
    make_room: Callable[[str], Room], answers: list[Any], notices: list[str]
) -> None:
    room = make_room("object")
    other = Labels(np.zeros((5, 5), np.uint8))
    room.work.follow(other)
    room.wait()
    assert room.classes.count_text(CAT) == ""
    room.work.follow(None)
    room.remove(DOG)
    assert DOG not in room.ids
    assert room.pixels() == {1: 16, 2: 20, 3: 9}
    # A layer that cannot be edited says so, and keeps its class.
    room.layer.data.flags.writeable = False
    room.work.follow(room.layer)
    room.classes.set_classes(ClassTable.voc())
    room.wait()
    answers.append(0)
    room.remove(CAT)
    assert "cannot be edited" in notices[-1]
    assert CAT in room.ids


def test_the_question_offers_all_other_classes(qtbot: Any) -> None:
    parent = ClassList(ClassTable.voc())
    qtbot.addWidget(parent)
    question = ClassQuestion(parent, parent.classes, CAT, "2 objects", True)
    assert question.answer == 0
    assert question.heir.count() == 19
    question.heir.setEditText("dog  (12)")
    assert question.answer == DOG
    question.heir.setEditText("nothing")
    assert not question.do.isEnabled()
    question.delete.setChecked(True)
    assert question.do.isEnabled()
    merge = ClassQuestion(parent, parent.classes, CAT, "", False)
    merge.heir.setCurrentIndex(2)
    assert merge.answer == 3


def test_an_edit_from_before_there_was_a_layer_stays_out_of_its_classes(
    make_person: MakePerson,
) -> None:
    person = make_person(window=False)
    classes, history = person.dock.controls.classes, person.dock.controller._history
    classes.add_class()
    added = classes.classes
    history.undo()
    assert len(classes.classes) == 20
    history.redo()
    assert classes.classes == added
    # A project shows another page, with labels of its own.
    few = ClassTable(ClassTable.voc().classes[:3])
    image, scheme = person.dock.controls.image.layer, LabelScheme("object", few)
    layer = add_labels(person.viewer, image, scheme)
    person.dock.controls.target.choose(layer)
    person.wait()
    assert classes.classes == few
    history.undo()
    history.redo()
    assert classes.classes == few
