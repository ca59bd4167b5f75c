import gc
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.widgets.layers.labels import add_labels
from napari_edgeflow.widgets.layers.object_records import ObjectRecord
from napari_edgeflow.widgets.layers.planes import Plane
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.history import Effect, ObjectHistory

VOC = ClassTable.voc()
FLAT = Plane((None, None))


@dataclass(frozen=True)
class Noted(Effect):
    number: int
    image: object = None

    def moved(self, image: object) -> "Noted":
        return Noted(self.number, image)


@pytest.fixture
def viewer() -> Any:
    return ViewerModel()


@pytest.fixture
def history(viewer: Any, qapp: Any) -> ObjectHistory:
    return ObjectHistory(viewer)


@pytest.fixture
def layer(viewer: Any) -> Labels:
    image = viewer.add_image(np.zeros((40, 60)))
    return add_labels(viewer, image, LabelScheme("object", VOC))


def square(top: int, left: int, value: int, side: int = 10) -> PixelChange:
    window = Window(top, left, top + side, left + side)
    return PixelChange(FLAT, window, np.ones((side, side), bool), value)


def record(object_id: int, class_id: int = 15) -> ObjectRecord:
    name = VOC.get(class_id).name
    return ObjectRecord(object_id, class_id, name, (Click(1, 2),), 1.0, FLAT)


def state(layer: Labels) -> tuple[Any, ...]:
    colours = {i: tuple(c) for i, c in layer.colormap.color_dict.items()}
    return layer.data.copy().tolist(), layer.features.to_dict("records"), colours


def finish(history: ObjectHistory, layer: Labels, i: int, change: PixelChange) -> None:
    history.apply(layer, f"finish {i}", [change], [record(i, i + 7)], effect=Noted(i))


def test_all_steps_are_undone_and_redone_exactly(
    history: ObjectHistory, layer: Labels
) -> None:
    states = [state(layer)]
    steps = [
        lambda: finish(history, layer, 1, square(2, 3, 1)),
        # Over a part of the first one.
        lambda: finish(history, layer, 2, square(8, 8, 2)),
        lambda: finish(history, layer, 3, square(20, 30, 3)),
        lambda: history.apply(layer, "class", [], [record(2, 20)]),
        lambda: history.apply(layer, "delete", [square(8, 8, 0)], removed=[2]),
        lambda: history.apply(
            layer, "merge", [square(20, 30, 1)], [record(1, 8)], removed=[3]
        ),
        lambda: finish(history, layer, 2, square(0, 0, 2, 40)),
    ]
    for step in steps:
        step()
        states.append(state(layer))
    texts = []
    for before in reversed(states[:-1]):
        texts.append(history.undo_text)
        assert history.undo() is not None
        assert state(layer) == before
    assert texts[::-1][:5] == ["finish 1", "finish 2", "finish 3", "class", "delete"]
    assert not history.can_undo
    assert history.undo() is None
    for after in states[1:]:
        assert history.redo() is not None
        assert state(layer) == after
    assert history.redo() is None
    assert not history.can_redo


def test_what_was_undone_is_gone_after_another_step(
    history: ObjectHistory, layer: Labels
) -> None:
    finish(history, layer, 1, square(2, 3, 1))
    history.undo()
    assert history.redo_text == "finish 1"
    finish(history, layer, 1, square(9, 9, 1))
    assert history.redo_text == ""
    # Nothing changes: no step, and nothing is gone.
    history.undo()
    history.apply(layer, "nothing", [square(0, 0, 0)])
    assert history.can_redo
    assert not history.can_undo


def test_what_a_brush_changed_since_stays(
    history: ObjectHistory, layer: Labels
) -> None:
    finish(history, layer, 1, square(2, 3, 1))
    layer.data_setitem((np.array([2, 2, 30]), np.array([3, 4, 30])), 9)
    history.undo()
    expected = np.zeros((40, 60), int)
    expected[2, 3:5] = expected[30, 30] = 9
    np.testing.assert_array_equal(layer.data, expected)
    history.redo()
    expected[2:12, 3:13] = 1
    expected[2, 3:5] = 9
    np.testing.assert_array_equal(layer.data, expected)


def test_naparis_own_undo_in_between_does_no_harm(
    history: ObjectHistory, layer: Labels
) -> None:
    finish(history, layer, 1, square(2, 3, 1))
    finish(history, layer, 2, square(5, 5, 2))
    first = np.where(layer.data == 2, 0, layer.data)
    first[5:12, 5:13] = 1
    layer.undo()
    np.testing.assert_array_equal(layer.data, first)
    history.undo()
    np.testing.assert_array_equal(layer.data, first)
    assert layer.features["index"].tolist() == [1]
    layer.undo()
    history.undo()
    assert not layer.data.any()
    # It took back no pixels, so it brings none again: napari's redo does.
    history.redo()
    assert not layer.data.any()
    assert layer.features["index"].tolist() == [1]
    layer.redo()
    np.testing.assert_array_equal(layer.data, first)
    # Steps of ours are steps of napari's undo as well.
    finish(history, layer, 2, square(5, 5, 2))
    history.undo()
    np.testing.assert_array_equal(layer.data, first)
    layer.undo()
    assert (layer.data == 2).sum() == 100


def test_redo_brings_back_what_undo_took_and_no_more(
    history: ObjectHistory, layer: Labels
) -> None:
    finish(history, layer, 1, square(2, 3, 1))
    window = np.nonzero(np.ones((5, 10), bool))
    layer.data_setitem((window[0] + 2, window[1] + 3), 0)
    corrected = state(layer)
    for _ in range(2):
        history.undo()
        assert not layer.data.any()
        history.redo()
        assert state(layer) == corrected


def test_redo_brings_back_the_row_as_it_was_when_it_went(
    history: ObjectHistory, layer: Labels
) -> None:
    finish(history, layer, 1, square(2, 3, 1))
    layer.features = layer.features.assign(note=["mine"])
    history.undo()
    assert layer.features.empty
    history.redo()
    assert layer.features["note"].tolist() == ["mine"]


def test_several_parts_and_values_are_one_step(viewer: Any, qapp: Any) -> None:
    layer = viewer.add_labels(np.zeros((3, 20, 30), np.uint8))
    history = ObjectHistory(viewer)
    values = np.arange(12).reshape(3, 4)
    window = Window(2, 3, 5, 7)
    changes = [
        PixelChange(Plane((at, None, None)), window, values % 3 > 0, values)
        for at in (0, 2)
    ]
    told: list[object] = []
    history.changed.connect(told.append)
    history.apply(layer, "write", changes)
    written = np.zeros((3, 20, 30), int)
    written[::2, 2:5, 3:7] = np.where(values % 3 > 0, values, 0)
    np.testing.assert_array_equal(layer.data, written)
    layer.undo()
    assert not layer.data.any(), "one step for napari too"
    layer.redo()
    history.undo()
    assert not layer.data.any()
    history.redo()
    np.testing.assert_array_equal(layer.data, written)
    assert told == [layer] * 3


def test_steps_of_removed_layers_are_dropped(
    viewer: Any, history: ObjectHistory, layer: Labels
) -> None:
    other = add_labels(viewer, viewer.layers[0], LabelScheme("object", VOC))
    finish(history, other, 1, square(0, 0, 1))
    finish(history, layer, 1, square(2, 3, 1))
    finish(history, layer, 2, square(20, 3, 2))
    history.undo()
    moved: list[bool] = []
    history.steps_changed.connect(lambda: moved.append(history.can_redo))
    viewer.layers.remove(layer)
    assert moved == [False]
    step = history.undo()
    assert step is not None
    assert step.layer is other
    assert not other.data.any()
    assert layer.data.any()


def test_a_layer_with_other_data_is_left_alone(
    viewer: Any, history: ObjectHistory, layer: Labels
) -> None:
    finish(history, layer, 1, square(2, 3, 1))
    layer.data = np.ones((5, 5), np.uint16)
    assert history.undo() is None
    assert (layer.data == 1).all()


def test_layers_are_not_kept_alive(history: ObjectHistory) -> None:
    layer = Labels(np.zeros((40, 60), np.uint8))
    finish(history, layer, 1, square(2, 3, 1))
    step = history.next_undo
    assert step is not None
    assert step.layer is layer
    del layer
    gc.collect()
    assert step.layer is None
    assert history.undo() is None


def test_steps_go_on_with_another_layer(
    viewer: Any, history: ObjectHistory, layer: Labels
) -> None:
    other = add_labels(viewer, viewer.layers[0], LabelScheme("object", VOC))
    finish(history, other, 1, square(0, 0, 1))
    finish(history, layer, 1, square(2, 3, 1))
    finish(history, layer, 2, square(20, 3, 2))
    after = state(layer)
    history.undo()
    kept = history.take_out({"objects": layer})
    assert [step.what for _, step in kept] == ["finish 1", "finish 2"]
    assert not history.can_redo
    assert history.next_undo is not None
    assert history.next_undo.layer is other
    again = Labels(layer.data.copy(), features=layer.features, metadata=layer.metadata)
    again.colormap = layer.colormap
    image = viewer.layers[0]
    history.put_back(kept, {"objects": again}, lambda step, x: step.moved(x, image))
    assert history.next_undo is not None
    assert history.next_undo.effect == Noted(1, image)
    history.redo()
    assert state(again) == after
    history.undo()
    history.undo()
    assert not again.data.any()
    assert (layer.data == 1).any()


def test_the_step_holds_its_effect(history: ObjectHistory, layer: Labels) -> None:
    finish(history, layer, 5, square(2, 3, 5))
    assert history.next_undo is not None
    step = history.undo()
    assert step is history.next_redo
    assert step is not None
    assert (step.effect, step.what) == (Noted(5), "finish 5")


class Told(Effect):
    def __init__(self) -> None:
        self.told: list[tuple[object, bool, bool]] = []

    def do(self, layer: Any, *, back: bool) -> None:
        is_there = layer is not None and bool(layer.data.any())
        self.told.append((layer, back, is_there))


def test_an_effect_does_and_undoes_itself_after_the_pixels(
    history: ObjectHistory, layer: Labels
) -> None:
    effect = Told()
    change = PixelChange(FLAT, Window(0, 0, 5, 5), np.ones((5, 5), bool), 1)
    history.apply(layer, "do", [change], effect=effect)
    history.undo()
    history.redo()
    expected = [(layer, False, True), (layer, True, False), (layer, False, True)]
    assert effect.told == expected


def test_an_effect_of_no_layer_is_done_too(history: ObjectHistory) -> None:
    effect = Told()
    history.note(None, "rename", effect)
    history.undo()
    assert effect.told == [(None, False, False), (None, True, False)]


def test_a_step_takes_little_memory(viewer: Any, qapp: Any) -> None:
    layer = viewer.add_labels(np.zeros((1000, 1000), np.uint16))
    history = ObjectHistory(viewer)
    rows, columns = np.ogrid[:1000, :1000]
    disk = (rows - 500) ** 2 + (columns - 500) ** 2 < 300**2
    history.apply(layer, "disk", [PixelChange(FLAT, Window(0, 0, 1000, 1000), disk, 3)])
    assert history.next_undo is not None
    assert history.next_undo.nbytes < 6000
    history.undo()
    assert not layer.data.any()


def test_a_step_in_steps_lets_others_live(
    history: ObjectHistory, layer: Labels
) -> None:
    steps = history.applying(
        layer,
        "parts",
        [square(0, 0, 1), square(20, 20, 2)],
        (record(i) for i in (1, 2)),
    )
    next(steps)
    assert set(np.unique(layer.data)) == {0, 1}
    assert not history.can_undo
    assert sum(1 for _ in steps) > 1
    assert history.undo_text == "parts"
    assert layer.features["index"].tolist() == [1, 2]
