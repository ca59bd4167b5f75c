"""Steps that take a while are done as a whole or not at all, however they end."""

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from napari.layers.labels._labels_key_bindings import new_label

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.engine.propagation.motion import Shift
from napari_edgeflow.engine.propagation.propagate import SliceReport
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.widgets.layers.labels import add_labels, next_object_id
from napari_edgeflow.widgets.layers.object_records import ObjectRecord
from napari_edgeflow.widgets.layers.planes import Plane, PlaneImage
from napari_edgeflow.widgets.objects.propagate.work import (
    Followed,
    FoundPart,
    PropagateRequest,
    propagated,
)
from napari_edgeflow.widgets.objects.table.edits import change_class, delete
from napari_edgeflow.widgets.objects.table.entries import Listing, list_objects
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.history import ObjectHistory, StepEndedError
from napari_edgeflow.widgets.workspace.label_writer import (
    LabelTarget,
    LabelWriter,
    NewLabels,
    PlaneLabels,
)
from napari_edgeflow.widgets.workspace.workspace import Workspace

VOC = ClassTable.voc()
SHAPE = (3, 220, 1000)
FIRST = Plane((0, None, None))

Steps = Generator[None, None, Any]


class Room:
    """An image with 120 objects in its first plane, and a stroke of a person."""

    def __init__(self, kind: Any = "object") -> None:
        self.viewer: Any = ViewerModel()
        self.image = self.viewer.add_image(np.zeros(SHAPE, np.uint8))
        scheme = LabelScheme(kind, ClassTable(VOC.classes[:3]))
        self.layer = add_labels(self.viewer, self.image, scheme)
        self.history: ObjectHistory = Workspace.of(self.viewer).history
        window = Window(0, 0, 120, 1000)
        pixels = np.zeros((120, 1000), np.uint16)
        records = []
        for at in range(120):
            top, left = 10 * (at // 40), 25 * (at % 40)
            pixels[top : top + 8, left : left + 20] = (
                1 if kind == "semantic" else at + 1
            )
            records.append(ObjectRecord(at + 1, 1, VOC.get(1).name, (), 1.0, FIRST))
        change = PixelChange(FIRST, window, pixels > 0, pixels)
        rows = records if kind == "object" else []
        self.history.apply(self.layer, "labels", [change], rows)
        self.unpainted = self.layer.data.copy()
        paint(self.layer, 100, 2)
        self.before = self.state()

    def state(self) -> tuple[Any, ...]:
        layer = self.layer
        colours = {i: tuple(c) for i, c in layer.colormap.color_dict.items()}
        return (
            layer.data.astype(int).tobytes(),
            layer.features.to_dict("records"),
            colours,
            dict(layer.metadata),
            self.history.undo_text,
            self.history.redo_text,
            [one.name for one in self.viewer.layers if one is not layer],
        )

    def check_untouched(self) -> None:
        assert self.state() == self.before
        # napari's own history is that of before, too.
        self.layer.undo()
        np.testing.assert_array_equal(self.layer.data, self.unpainted)
        self.layer.redo()
        assert self.state() == self.before
        paint(self.layer, 140, 1)
        self.layer.undo()
        assert self.state() == self.before


def paint(layer: Labels, row: int, value: int) -> None:
    columns = np.arange(100, 160)
    layer.data_setitem((np.zeros(60, int), np.full(60, row), columns), value)


def new_labels(kind: str) -> NewLabels:
    labels = np.zeros(SHAPE[1:], np.int64)
    labels[:90, ::7], labels[90:, ::5] = 1, 2
    classes = ClassTable((VOC.get(2), LabelClass(9, "new one", (1, 2, 3))))
    class_of = {1: 2, 2: 9}
    if kind == "semantic":
        labels, class_of = np.where(labels == 1, 2, np.where(labels == 2, 9, 0)), {}
    planes = [
        PlaneLabels(Plane((z, None, None)), labels, classes, class_of) for z in (0, 1)
    ]
    return NewLabels(planes, "import", "import", "leave some out")


def write(room: Room, kind: Any, keep: bool = True, into: bool = True) -> Steps:
    to = LabelTarget(room.image, room.layer if into else None, kind, keep)
    return LabelWriter(room.viewer, replaces=True).write(to, new_labels(kind))


def propagate(room: Room) -> Steps:
    entries = list_objects(Listing.of(room.layer))
    part = MaskPart(Window(0, 0, 30, 400), np.ones((30, 400), bool))
    found = [
        FoundPart(Plane((z, None, None)), SliceReport(z, "", Shift(), part))
        for z in (1, 2)
    ]
    planes = tuple(one.plane for one in found)
    request = PropagateRequest(
        "",
        room.layer,
        Followed.of_object(entries[3]),
        PlaneImage(room.image.data, FIRST, False, (0, 1)),
        room.layer.data,
        planes,
    )
    done = propagated(request, found)
    return room.history.applying(
        room.layer, done.what, done.pixels, done.records, done.removed
    )


def delete_many(room: Room) -> Steps:
    done = delete(room.layer, list_objects(Listing.of(room.layer)))
    return room.history.applying(
        room.layer, done.what, done.pixels, done.records, done.removed
    )


def change_many(room: Room) -> Steps:
    done = change_class(list_objects(Listing.of(room.layer)), VOC.get(2))
    return room.history.applying(
        room.layer, done.what, done.pixels, done.records, done.removed
    )


KINDS: dict[str, tuple[str, Callable[[Room], Steps]]] = {
    "objects": ("object", lambda room: write(room, "object")),
    "objects over others": ("object", lambda room: write(room, "object", False)),
    "classes": ("semantic", lambda room: write(room, "semantic", False)),
    "a new layer": ("object", lambda room: write(room, "object", into=False)),
    "propagation": ("object", propagate),
    "deletion": ("object", delete_many),
    "change of class": ("object", change_many),
}


def parts_of(kind: str) -> int:
    values, start = KINDS[kind]
    return sum(1 for _ in start(Room(values)))


def closed(room: Room, steps: Steps) -> None:
    steps.close()


def broken(room: Room, steps: Steps) -> None:
    with pytest.raises(MemoryError):
        steps.throw(MemoryError())


def stopped(room: Room, steps: Steps) -> None:
    room.history.stop()
    # The pixels are back at once, as for a page that is saved now.
    assert room.state()[0] == room.before[0]
    finish_stopped(steps)


def deleted(room: Room, steps: Steps) -> None:
    """Delete the layer that is written to, and bring it back as a console can."""
    if len(room.viewer.layers) > 2:
        room.viewer.layers.pop(1)
        finish_stopped(steps)
        return
    index = room.viewer.layers.index(room.layer)
    room.viewer.layers.remove(room.layer)
    finish_stopped(steps)
    room.viewer.layers.insert(index, room.layer)
    # Steps of a layer that is taken out are forgotten.
    room.before = (*room.before[:4], "", "", room.before[6])


def finish_stopped(steps: Steps) -> None:
    with pytest.raises(StepEndedError, match=r"All is as it was before\."):
        for _ in steps:
            pass


@pytest.mark.parametrize("end", [closed, broken, stopped, deleted])
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_that_ends_early_leaves_no_trace(
    kind: str, end: Callable[[Room, Steps], None], qapp: Any
) -> None:
    values, start = KINDS[kind]
    count = parts_of(kind)
    assert count > 1
    room = Room(values)
    for parts in range(1, count + 1):
        steps = start(room)
        for _ in range(parts):
            next(steps)
        if room.history.undo_text not in ("", room.before[4]):
            # It is done; what is left is to draw the thumbnail.
            assert parts >= count - 1
            break
        end(room, steps)
        room.check_untouched()


@pytest.mark.parametrize("kind", ["objects", "classes", "deletion", "change of class"])
def test_a_step_that_ends_is_one_step_of_both_histories(kind: str, qapp: Any) -> None:
    values, start = KINDS[kind]
    room = Room(values)
    for _ in start(room):
        pass
    after = room.state()
    assert after != room.before
    room.history.undo()
    assert room.state()[:4] == room.before[:4]
    room.history.redo()
    assert room.state() == after
    room = Room(values)
    for _ in start(room):
        pass
    if kind != "change of class":
        room.layer.undo()
        assert room.state()[0] == room.before[0]


def test_a_stroke_made_meanwhile_is_a_step_of_its_own(qapp: Any) -> None:
    for end in (True, False):
        room = Room()
        steps = write(room, "object", False)
        next(steps)
        next(steps)
        # As the brush does, over several events of the mouse.
        with room.layer.block_history():
            paint(room.layer, 20, 77)
            next(steps)
            paint(room.layer, 150, 77)
        stroke = room.layer.data == 77
        stroke[0, :12] = False
        assert stroke.sum() >= 120
        if end:
            for _ in steps:
                pass
            room.layer.undo()
            assert (room.layer.data[0, 20, 100:160] == 77).all()
        else:
            steps.close()
        assert (room.layer.data[0, 20, 100:160] == 77).all()
        room.layer.undo()
        assert not (room.layer.data[0, 150, 100:160] == 77).any()
        assert not (room.layer.data[0, 20, 100:160] == 77).any()


def test_two_do_not_write_into_a_layer_at_once(qapp: Any) -> None:
    room = Room()
    steps, others = write(room, "object"), write(room, "object")
    next(steps)
    with pytest.raises(ValueError, match="is just being written to"):
        room.history.apply(room.layer, "finish", [])
    to, classes = LabelTarget(room.image, room.layer, "object"), room.state()[3]
    refused = LabelWriter(room.viewer).write(to, new_labels("object"), waits=False)
    with pytest.raises(ValueError, match="is just being written to"):
        next(refused)
    assert room.state()[3] == classes
    # What takes long waits for its turn, and finds other ids.
    next(others)
    assert not room.history.can_undo
    assert room.history.undo() is None
    for _ in steps:
        pass
    first = next_object_id(room.layer)
    for _ in others:
        pass
    ids = room.layer.features["index"].tolist()
    assert len(ids) == len(set(ids))
    assert first - 1 in ids


def test_other_data_end_a_step(qapp: Any) -> None:
    room = Room()
    old = room.layer.data
    steps = write(room, "object", False)
    for _ in range(3):
        next(steps)
    # A copy, as napari makes to give labels another type.
    room.layer.data = old.astype(np.int32)
    with pytest.raises(StepEndedError, match="exchanged"):
        for _ in steps:
            pass
    assert room.state()[0] == room.before[0]
    assert old.astype(int).tobytes() == room.before[0]
    assert room.history.undo_text == room.before[4]


def test_undo_takes_back_the_classes_that_came_with_labels(qapp: Any) -> None:
    room = Room()
    for _ in write(room, "object"):
        pass
    assert room.state()[3] != room.before[3]
    room.history.undo()
    assert room.state()[3] == room.before[3]


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("fill", [False, True])
def test_a_stroke_over_what_is_taken_back_brings_nothing_of_it_back(
    parts: int, fill: bool, qapp: Any
) -> None:
    for strokes_undone in (0, 1, 2):
        room = Room()
        steps = write(room, "object", False)
        for _ in range(parts):
            next(steps)
        stroke = np.zeros(SHAPE, bool)
        stroke[0, 5:20, 3:90] = True
        if fill:
            corners = [(0, 5, 3), (0, 5, 89), (0, 19, 89), (0, 19, 3)]
            room.layer.paint_polygon(corners, 77)
        else:
            room.layer.data_setitem(np.nonzero(stroke), 77)
        room.layer.data_setitem((np.zeros(9, int), np.full(9, 8), np.arange(9)), 78)
        for _ in range(strokes_undone):
            room.layer.undo()
        steps.close()
        for _ in range(strokes_undone):
            room.layer.redo()
        assert (room.layer.data == 77).sum() > 1000
        room.layer.undo()
        room.layer.undo()
        assert room.state() == room.before


def test_a_new_label_of_napari_is_none_that_is_still_to_be_written(qapp: Any) -> None:
    room = Room()
    new_label(room.layer)
    assert room.layer.selected_label == 121
    steps = write(room, "object", False)
    next(steps)
    ids = {121, 122, 123, 124}
    assert room.layer.selected_label not in ids
    while not (room.layer.data == 121).any():
        next(steps)
    # What is there already may be chosen, and painted on with.
    room.layer.selected_label = 121
    assert room.layer.selected_label == 121
    new_label(room.layer)
    mine = room.layer.selected_label
    assert mine not in ids
    columns = np.arange(60)
    room.layer.data_setitem((columns * 0 + 2, columns * 0, columns), mine)
    for _ in steps:
        pass
    assert set(room.layer.features["index"]) >= ids
    assert (room.layer.data == mine).sum() == 60
    # Afterwards every label can be chosen again.
    room.layer.selected_label = 124
    assert room.layer.selected_label == 124
