"""Following an object through a stack from the dock "Objects"."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.widgets.dock_person import FakeModels

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.engine.propagation.motion import Shift
from napari_edgeflow.engine.propagation.propagate import SliceReport
from napari_edgeflow.engine.raster.image import ImageReader, Window
from napari_edgeflow.widgets.layers.labels import add_labels
from napari_edgeflow.widgets.layers.object_records import ObjectRecord, read_records
from napari_edgeflow.widgets.layers.planes import Plane, PlaneImage
from napari_edgeflow.widgets.objects.propagate import work as propagate_work
from napari_edgeflow.widgets.objects.propagate.tab import PropagateTab
from napari_edgeflow.widgets.objects.propagate.work import (
    Followed,
    PropagateRequest,
    PropagateWork,
    planes_beside,
)
from napari_edgeflow.widgets.objects.table.controller import ObjectsController
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange

SIDE = 16


def plane(at: int) -> Plane:
    return Plane((at, None, None))


def moving_square(slices: int = 6, gone: int = 5) -> NDArray[np.uint8]:
    """A stack (N, 60, 80, 3) of a white square that moves by 2, 5 until it is gone."""
    stack = np.full((slices, 60, 80, 3), 20, np.uint8)
    for k in range(min(gone, slices)):
        y, x = 10 + 2 * k, 8 + 5 * k
        stack[k, y : y + SIDE, x : x + SIDE] = 230
    return stack


@dataclass
class Follower:
    viewer: Any
    objects: ObjectsController
    tab: PropagateTab
    labels: Any
    qtbot: Any

    def wait(self) -> None:
        busy = (self.objects, self.tab.controller)
        self.qtbot.waitUntil(lambda: not any(b.busy for b in busy), timeout=20_000)

    def propagate(self, slices: int, direction: int = 1) -> None:
        self.objects.select([1])
        self.tab.slices.setValue(slices)
        self.tab.direction.setCurrentIndex(0 if direction > 0 else 1)
        self.tab.start.click()
        self.wait()

    @property
    def found(self) -> list[int]:
        return [int((part == 1).sum()) for part in self.labels.data]


@pytest.fixture
def make_follower(
    make_napari_viewer: Any, qtbot: Any, models: FakeModels
) -> Callable[..., Follower]:
    def make(stack: Any = None, at: int = 0, **options: Any) -> Follower:
        viewer = make_napari_viewer(show=False)
        data = moving_square() if stack is None else stack
        image = viewer.add_image(data, name="video", rgb=True, **options)
        scheme = LabelScheme("object", ClassTable.voc())
        labels = add_labels(viewer, image, scheme)
        objects = ObjectsController(viewer)
        tab = PropagateTab(objects, models)
        qtbot.addWidget(tab)
        window = Window(10 + 2 * at, 8 + 5 * at, 26 + 2 * at, 24 + 5 * at)
        mask = np.ones((SIDE, SIDE), np.bool_)
        change = PixelChange(plane(at), window, mask, 1)
        clicks = (Click(18.0, 16.0),)
        record = ObjectRecord(1, 12, "dog", clicks, 3.0, plane(at))
        objects.history.apply(labels, "finish dog", [change], [record])
        objects.set_layer(labels)
        viewer.dims.set_point(0, at * image.scale[0])
        follower = Follower(viewer, objects, tab, labels, qtbot)
        follower.wait()
        yielded.append((objects, tab))
        return follower

    yielded: list[tuple[ObjectsController, PropagateTab]] = []
    yield make
    for objects, tab in yielded:
        tab.controller.close()
        objects.close(True)


def test_an_object_is_followed_until_it_ends_as_one_step(
    make_follower: Callable[..., Follower],
) -> None:
    follower = make_follower()
    follower.propagate(10)
    area = SIDE * SIDE
    assert follower.found == pytest.approx([area] * 5 + [0], abs=area / 10)
    assert "4 slices labelled" in follower.tab.result.text()
    assert "ends before slice 5" in follower.tab.result.text()
    records = read_records(follower.labels)
    assert [record.source for record in records.values()] == ["propagated"]
    assert records[1].clicks == (Click(18.0, 16.0),)
    assert follower.objects.history.undo_text == "propagate object 1 to 4 slices"
    follower.objects.history.undo()
    assert follower.found == [area, 0, 0, 0, 0, 0]
    assert read_records(follower.labels)[1].source == "click"


def test_it_goes_backwards_in_a_scaled_stack(
    make_follower: Callable[..., Follower],
) -> None:
    follower = make_follower(at=3, scale=(4, 2, 2))
    follower.propagate(2, -1)
    area = SIDE * SIDE
    assert follower.found == pytest.approx([0, area, area, area, 0, 0], abs=area / 10)
    assert follower.tab.result.text() == "2 slices labelled."


def test_other_objects_stay_and_an_old_part_goes(
    make_follower: Callable[..., Follower],
) -> None:
    follower = make_follower()
    follower.labels.data[1, 12:20, 13:29] = 2
    follower.labels.data[1, 50:55, 60:65] = 1
    follower.objects.set_layer(follower.labels)
    follower.wait()
    follower.propagate(1)
    assert (follower.labels.data[1, 12:20, 13:29] == 2).all()
    assert not (follower.labels.data[1, 50:55, 60:65] == 1).any()
    assert follower.found[1] == pytest.approx(SIDE * 8, abs=30)


def test_it_stops_when_asked_and_keeps_what_was_found(
    make_follower: Callable[..., Follower], models: FakeModels
) -> None:
    follower = make_follower()
    follower.objects.select([1])
    models.network.gate.clear()
    follower.tab.start.click()
    follower.qtbot.waitUntil(models.network.entered.is_set, timeout=20_000)
    assert follower.tab.cancel.isEnabled()
    assert not follower.tab.start.isEnabled()
    follower.tab.cancel.click()
    models.network.gate.set()
    follower.wait()
    assert "Stopped" in follower.tab.result.text()
    assert sum(found > 0 for found in follower.found) <= 2
    assert follower.tab.start.isEnabled()


def test_labels_that_are_deleted_meanwhile_are_left_alone(
    make_follower: Callable[..., Follower], models: FakeModels
) -> None:
    follower = make_follower()
    follower.objects.select([1])
    models.network.gate.clear()
    follower.tab.start.click()
    follower.qtbot.waitUntil(models.network.entered.is_set, timeout=20_000)
    follower.viewer.layers.remove(follower.labels)
    models.network.gate.set()
    follower.wait()
    assert "deleted meanwhile" in follower.tab.result.text()


def test_what_is_not_possible_is_told(
    make_follower: Callable[..., Follower], notices: list[str]
) -> None:
    follower = make_follower()
    assert not follower.tab.start.isEnabled()
    follower.propagate(3, -1)
    assert "no slice before slice 0" in notices[-1]
    follower.viewer.layers.remove("video")
    follower.propagate(3)
    assert "open the image" in notices[-1]


def test_planes_beside_one_end_with_the_stack() -> None:
    start = Plane((2, 5, None, None))
    assert planes_beside(start, 0, 9, 4) == (Plane((3, 5, None, None)),)
    assert planes_beside(start, 1, -2, 9) == (
        Plane((2, 4, None, None)),
        Plane((2, 3, None, None)),
    )
    assert planes_beside(start, 0, 3, 3) == ()


def test_a_slice_is_read_once_for_all_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    readers: dict[int, set[ImageReader]] = {}

    def follow(_segmenter: Any, _first: Any, mask: Any, slices: Any) -> Iterator[Any]:
        # The larger region, which comes first, ends first.
        for step, reader in enumerate(slices, 1):
            readers.setdefault(step, set()).add(reader)
            yield SliceReport(step, "", Shift(0, 0, 1.0))
            if mask.sum() > 4 and step == 2:
                return

    monkeypatch.setattr(propagate_work, "propagate", follow)
    labels = np.zeros((5, 9, 9), np.uint8)
    labels[0, :2, :2] = labels[0, 4:8, 4:8] = 12
    image = PlaneImage(np.zeros((5, 9, 9), np.uint8), plane(0), False, (0, 255))
    followed = Followed(12, "class cat", is_class=True)
    planes = tuple(map(plane, (1, 2, 3, 4)))
    request = PropagateRequest("any", Any, followed, image, labels, planes)
    found = list(PropagateWork(lambda _: Any)(request))
    assert [(part.plane, part.region) for part in found] == [
        *((plane(at), region) for at in (1, 2) for region in (0, 1)),
        (plane(3), 1),
        (plane(4), 1),
    ]
    assert [len(those) for those in readers.values()] == [1, 1, 1, 1]


def test_regions_of_a_class_are_followed(
    make_follower: Callable[..., Follower], notices: list[str]
) -> None:
    stack = moving_square(6, 6)
    # Another one stands still and vanishes.
    stack[:3, 30:46, 60:76] = 230
    follower = make_follower(stack)
    scheme = LabelScheme("semantic", ClassTable.voc())
    layer = add_labels(follower.viewer, follower.viewer.layers["video"], scheme)
    follower.labels = layer
    layer.data[0][(stack[0] == 230).all(-1)] = 12
    layer.data[2, 14:20, 18:40] = 7
    layer.data[4, 50:55, 5:9] = 12
    follower.objects.set_layer(layer)
    follower.wait()
    tab = follower.tab
    tab.of_class.setCurrentIndex(tab.of_class.findText("cat"))
    tab.slices.setValue(5)
    assert tab.start.isEnabled()
    tab.start.click()
    assert "nothing of the class 'cat'" in notices[-1]
    tab.of_class.setCurrentIndex(tab.of_class.findText("dog"))
    tab.start.click()
    follower.wait()
    area = SIDE * SIDE
    found = [int((part == 12).sum()) for part in layer.data]
    assert found[:2] == pytest.approx([2 * area] * 2, abs=area / 5)
    # Other labels stay, also what the class had there.
    assert (layer.data[2, 14:20, 18:40] == 7).all()
    assert found[2] == pytest.approx(2 * area - 6 * SIDE, abs=area / 5)
    assert found[4:] == pytest.approx([area + 20, area], abs=area / 8)
    assert follower.tab.result.text().startswith("2 regions followed, 5 slices")
    assert "1 of them ends before the last slice" in follower.tab.result.text()
    history = follower.objects.history
    assert history.undo_text == "propagate class dog to 5 slices"
    history.undo()
    assert [int((part == 12).sum()) for part in layer.data] == [
        2 * area,
        0,
        0,
        0,
        20,
        0,
    ]
