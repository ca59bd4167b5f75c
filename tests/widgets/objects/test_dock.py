"""The dock "Objects", in a window where it needs one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QItemSelectionModel, Qt
from qtpy.QtTest import QTest

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.widgets.layers.labels import add_labels, read_scheme
from napari_edgeflow.widgets.layers.object_records import ObjectRecord, read_records
from napari_edgeflow.widgets.layers.planes import Plane
from napari_edgeflow.widgets.objects.dock import ObjectsWidget
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.workspace import Workspace

VOC = ClassTable.voc()


@dataclass
class Keeper:
    """Works with the dock."""

    viewer: Any
    dock: ObjectsWidget
    qtbot: Any

    @property
    def table(self) -> Any:
        return self.dock.controls.table

    @property
    def layer(self) -> Any:
        return self.dock.controller.layer

    @property
    def ids(self) -> list[int]:
        return [entry.id for entry in self.table.objects.entries]

    def cell(self, object_id: int, column: int) -> str:
        index = self.table.objects.index(self.ids.index(object_id), column)
        return str(self.table.objects.data(index))

    def wait(self) -> None:
        QTest.qWait(1)
        self.qtbot.waitUntil(lambda: not self.dock.busy, timeout=20_000)
        QTest.qWait(1)

    def select(self, *ids: int) -> None:
        flags = QItemSelectionModel.SelectionFlag
        model = self.table.selectionModel()
        model.clearSelection()
        for object_id in ids:
            index = self.table.objects.index(self.ids.index(object_id), 0)
            model.setCurrentIndex(index, flags.Select | flags.Rows)
        self.wait()

    def press(self, text: str) -> None:
        self.dock.controls.buttons[text].click()
        self.wait()

    def undo(self) -> None:
        self.dock.controls.undo.click()
        self.wait()

    def redo(self) -> None:
        self.dock.controls.redo.click()
        self.wait()


def add_object(
    viewer: Any, layer: Any, object_id: int, class_id: int, top: int, left: int
) -> None:
    side = 10 + object_id
    window = Window(top, left, top + side, left + side)
    plane = Plane((*[0] * (layer.ndim - 2), None, None))
    change = PixelChange(plane, window, np.ones((side, side), bool), object_id)
    name = VOC.get(class_id).name
    clicks = (Click(top + 5, left + 5),) * object_id
    record = ObjectRecord(object_id, class_id, name, clicks, 2.5, plane)
    Workspace.of(viewer).history.apply(layer, f"finish {name}", [change], [record])


MakeKeeper = Callable[..., Keeper]


@pytest.fixture
def make_keeper(request: pytest.FixtureRequest, qtbot: Any) -> MakeKeeper:
    """Open a viewer with four objects and the dock, in a window if asked."""

    def make(
        shape: tuple[int, ...] = (100, 120), *, window: bool = False, show: bool = False
    ) -> Keeper:
        viewer: Any = ViewerModel()
        if window:
            viewer = request.getfixturevalue("make_napari_viewer")(show=show)
        image = viewer.add_image(np.zeros(shape, np.uint8), name="picture")
        layer = add_labels(viewer, image, LabelScheme("object", VOC))
        add_object(viewer, layer, 1, 15, 5, 5)
        add_object(viewer, layer, 2, 8, 5, 60)
        add_object(viewer, layer, 3, 15, 60, 5)
        add_object(viewer, layer, 4, 7, 60, 60)
        dock = ObjectsWidget(viewer)
        if window:
            viewer.window.add_dock_widget(dock, name="Objects")
        else:
            qtbot.addWidget(dock)
        keeper = Keeper(viewer, dock, qtbot)
        keeper.wait()
        return keeper

    return make


@pytest.fixture
def keeper(make_keeper: MakeKeeper) -> Iterator[Keeper]:
    return make_keeper()


def state(layer: Any) -> Any:
    return layer.data.tolist(), layer.features.to_dict("records")


def test_objects_are_listed_and_sorted(keeper: Keeper) -> None:
    assert keeper.ids == [1, 2, 3, 4]
    assert [keeper.cell(2, column) for column in range(6)] == [
        "2",
        "cat",
        "144",
        "2",
        "2.5",
        "click",
    ]
    keeper.select(3)
    keeper.table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert keeper.ids == [4, 2, 1, 3]
    keeper.table.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    assert keeper.ids == [4, 3, 2, 1]
    assert keeper.dock.controller.selection.ids == (3,)
    assert keeper.table.selectionModel().selectedRows()[0].row() == 1


def test_the_list_follows_edits_of_any_kind(keeper: Keeper) -> None:
    layer = keeper.layer
    layer.data_setitem((np.array([50]), np.array([50])), 9)
    keeper.wait()
    assert keeper.ids == [1, 2, 3, 4, 9]
    assert keeper.cell(9, 1) == "no class"
    layer.undo()
    keeper.wait()
    assert keeper.ids == [1, 2, 3, 4]
    layer.undo()
    keeper.wait()
    assert keeper.ids == [1, 2, 3], "its row is there, but none of its pixels"
    layer.data = np.full_like(layer.data, 3)
    keeper.wait()
    assert keeper.ids == [3]


def test_one_object_among_many_leaves_the_other_rows_alone(
    make_keeper: MakeKeeper,
) -> None:
    keeper = make_keeper()
    model, told = keeper.table.objects, []
    model.modelReset.connect(lambda: told.append("reset"))
    model.rowsInserted.connect(lambda _, *rows: told.append(("inserted", *rows)))
    model.rowsRemoved.connect(lambda _, *rows: told.append(("removed", *rows)))
    keeper.select(2, 3)
    add_object(keeper.viewer, keeper.layer, 5, 15, 30, 90)
    keeper.wait()
    assert (keeper.ids, told) == ([1, 2, 3, 4, 5], [("inserted", 4, 4)])
    keeper.layer.data[keeper.layer.data == 2] = 0
    keeper.layer.events.data()
    keeper.wait()
    assert (keeper.ids, told[1:]) == ([1, 3, 4, 5], [("removed", 1, 1)])
    assert keeper.table.ids == keeper.dock.controller.selection.ids == (3,)
    rows = keeper.table.selectionModel().selectedRows()
    assert [index.row() for index in rows] == [1]


def test_what_is_selected_is_shown_and_outlined(make_keeper: MakeKeeper) -> None:
    keeper = make_keeper((3, 100, 120), window=True, show=True)
    viewer = keeper.viewer
    add_object(viewer, keeper.layer, 5, 15, 30, 30)
    keeper.layer.data[2] = keeper.layer.data[0]
    keeper.layer.data[0] = 0
    keeper.layer.features = {"index": [5], "class_id": [15]}
    keeper.wait()
    viewer.dims.set_point(0, 0)
    active = viewer.layers.selection.active
    keeper.select(4)
    assert viewer.dims.current_step[0] == 2
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], (66.5, 66.5))
    keeper.qtbot.waitUntil(lambda: "Selected objects" in viewer.layers, timeout=20_000)
    outline = viewer.layers["Selected objects"]
    assert viewer.layers.selection.active is active
    keeper.qtbot.waitUntil(lambda: len(outline.data) == 1, timeout=20_000)
    assert outline.data[0].min(0).tolist() == [2, 59.5, 59.5]
    assert outline.data[0].max(0).tolist() == [2, 73.5, 73.5]
    keeper.select(1, 2, 3)
    keeper.qtbot.waitUntil(lambda: len(outline.data) == 3, timeout=20_000)
    keeper.table.activateWindow()
    keeper.table.setFocus()
    keeper.qtbot.waitUntil(keeper.table.hasFocus, timeout=20_000)
    QTest.keyClick(keeper.table, Qt.Key.Key_Delete)
    keeper.wait()
    assert keeper.ids == [4, 5], "the key works in the table"
    viewer.window.remove_dock_widget(keeper.dock)
    assert "Selected objects" not in viewer.layers


def test_everything_done_to_objects_can_be_undone(keeper: Keeper) -> None:
    layer, controls = keeper.layer, keeper.dock.controls
    states = [state(layer)]
    keeper.select(1, 3)
    assert controls.class_combo.currentText() == "person"
    controls.class_combo.activated.emit(7)
    keeper.wait()
    assert layer.features["class_name"].tolist() == ["cat", "cat", "cat", "car"]
    assert keeper.dock.controller.selection.ids == (1, 3)
    states.append(state(layer))
    keeper.press("Merge")
    assert np.count_nonzero(layer.data == 3) == 121 + 169
    assert keeper.ids == [2, 3, 4]
    merged = read_records(layer)[3]
    assert (len(merged.clicks), merged.seconds) == (4, 5.0)
    states.append(state(layer))
    keeper.select(3)
    keeper.press("Split")
    assert keeper.ids == [2, 3, 4, 5]
    assert np.count_nonzero(layer.data == 5) == 121
    assert keeper.cell(5, 1) == "cat"
    states.append(state(layer))
    keeper.select(2, 5)
    keeper.press("Delete")
    assert keeper.ids == [3, 4]
    assert keeper.dock.controller.selection.ids == ()
    states.append(state(layer))
    for before in reversed(states[:-1]):
        keeper.undo()
        assert state(layer) == before
    for after in states[1:]:
        keeper.redo()
        assert state(layer) == after


def test_many_objects_are_deleted_in_one_pass(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_edgeflow.widgets.objects.table.edits._MANY", 2)
    monkeypatch.setattr("napari_edgeflow.widgets.objects.table.edits._BAND", 500)
    before = state(keeper.layer)
    keeper.select(1, 2, 4)
    keeper.press("Delete")
    assert np.unique(keeper.layer.data).tolist() == [0, 3]
    keeper.undo()
    assert state(keeper.layer) == before


def test_what_cannot_be_done_is_said(keeper: Keeper, notices: list[str]) -> None:
    buttons = keeper.dock.controls.buttons
    assert not any(button.isEnabled() for button in buttons.values())
    keeper.select(1)
    assert not buttons["Merge"].isEnabled()
    before = state(keeper.layer)
    keeper.press("Split")
    assert "one piece" in notices[-1]
    assert state(keeper.layer) == before


def test_an_edit_right_before_an_action_counts(keeper: Keeper) -> None:
    keeper.select(1)
    # The list does not know of these pixels yet.
    keeper.layer.data_setitem((np.array([99]), np.array([119])), 1)
    keeper.press("Delete")
    assert not (keeper.layer.data == 1).any()


def test_classes_are_split_into_objects(qtbot: Any) -> None:
    viewer: Any = ViewerModel()
    image = viewer.add_image(np.zeros((40, 60), np.uint8), name="picture")
    classes = add_labels(viewer, image, LabelScheme("semantic", VOC))
    classes.data[2:8, 2:8] = classes.data[20:30, 20:30] = 15
    classes.data[20:30, 30:40] = 8
    keeper = Keeper(viewer, ObjectsWidget(viewer), qtbot)
    qtbot.addWidget(keeper.dock)
    keeper.wait()
    controls = keeper.dock.controls
    assert "classes, not objects" in controls.notice.text()
    assert keeper.ids == []
    controls.split_classes.click()
    keeper.wait()
    assert keeper.layer is not classes
    assert read_scheme(keeper.layer) == LabelScheme("object", VOC)
    assert [keeper.cell(i, 1) for i in keeper.ids] == ["person", "person", "cat"]
    assert controls.notice.text() == ""
    np.testing.assert_array_equal(keeper.layer.data > 0, classes.data > 0)


def test_labels_of_others_are_objects_too(qtbot: Any) -> None:
    viewer: Any = ViewerModel()
    labels = viewer.add_labels(
        np.kron(np.arange(6).reshape(2, 3), np.ones((9, 9), int))
    )
    keeper = Keeper(viewer, ObjectsWidget(viewer), qtbot)
    qtbot.addWidget(keeper.dock)
    keeper.wait()
    assert keeper.ids == [1, 2, 3, 4, 5]
    keeper.select(2, 3)
    keeper.dock.controls.class_combo.activated.emit(7)
    keeper.wait()
    assert [keeper.cell(i, 1) for i in (1, 2, 3)] == ["no class", "cat", "cat"]
    assert labels.features["source"].tolist() == ["import", "import"]


def test_layers_and_the_dock_may_go_at_any_time(make_keeper: MakeKeeper) -> None:
    keeper = make_keeper(window=True)
    viewer, layer = keeper.viewer, keeper.layer
    other = add_labels(viewer, viewer.layers[0], LabelScheme("object", VOC))
    keeper.select(1, 2)
    keeper.dock.controls.buttons["Delete"].click()
    layer.name = "renamed"
    viewer.layers.remove(layer)
    keeper.wait()
    assert keeper.layer is other
    assert keeper.ids == []
    keeper.undo()
    viewer.layers.clear()
    keeper.wait()
    assert keeper.layer is None
    assert "listed here" in keeper.dock.controls.notice.text()
    viewer.add_labels(np.ones((5, 5), int))
    keeper.wait()
    assert keeper.ids == [1]
    viewer.window.remove_dock_widget(keeper.dock)


def test_a_window_is_closed_while_objects_change(make_keeper: MakeKeeper) -> None:
    keeper = make_keeper(window=True)
    keeper.select(1, 2, 3)
    keeper.dock.controls.buttons["Delete"].click()
    keeper.layer.data_setitem((np.array([50]), np.array([50])), 9)
    keeper.viewer.close()
    QTest.qWait(50)


def test_the_menu_of_the_table_offers_the_same(keeper: Keeper) -> None:
    keeper.select(1, 2)
    menu = keeper.dock.controls.context_menu()
    texts = {action.text(): action for action in menu.actions()}
    assert set(keeper.dock.controls.buttons) < set(texts)
    texts["Merge"].trigger()
    keeper.wait()
    assert keeper.ids == [2, 3, 4]
    keeper.select(3)
    classes = keeper.dock.controls.context_menu().actions()[0].menu()
    assert classes is not None
    classes.actions()[7].trigger()
    keeper.wait()
    assert keeper.cell(3, 1) == "cat"


def test_viewers_do_not_share_what_can_be_undone(make_keeper: MakeKeeper) -> None:
    first, second = make_keeper(), make_keeper()
    first.select(1)
    first.press("Delete")
    before = state(second.layer)
    assert second.ids == [1, 2, 3, 4]
    first.undo()
    first.undo()
    assert first.ids == [1, 2, 3]
    assert state(second.layer) == before
    assert second.dock.controller.history.undo_text == "finish car"


def test_large_areas_and_long_names_can_be_read(qtbot: Any) -> None:
    viewer: Any = ViewerModel()
    viewer.add_labels(np.ones((2000, 3000), np.uint8))
    keeper = Keeper(viewer, ObjectsWidget(viewer), qtbot)
    qtbot.addWidget(keeper.dock)
    keeper.wait()
    table = keeper.table
    index = table.objects.index(0, 2)
    assert table.objects.data(index) == "6,000,000"
    room = table.horizontalHeader().sectionSize(2)
    assert room > table.fontMetrics().horizontalAdvance("6,000,000")
    tip = table.objects.data(table.objects.index(0, 1), Qt.ItemDataRole.ToolTipRole)
    assert tip == table.objects.data(table.objects.index(0, 1))
