"""Layers that come, go and change places on a canvas that is being drawn.

A crash of the canvas ends the whole process: these fail with a segmentation fault.
"""

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtTest import QTest
from tests.widgets.dock_person import MakePerson, Person

if TYPE_CHECKING:
    from collections.abc import Callable

ORDERS = int(os.environ.get("NAPARI_EDGEFLOW_ORDERS", "3"))
"""How many random orders are tried; a person who changes layers may try 300."""


def draw() -> None:
    """Let the window do all that waits, and draw."""
    QTest.qWait(30)


def test_another_image_is_opened_and_the_first_one_deleted(
    make_person: MakePerson,
) -> None:
    person = make_person()
    layers = person.viewer.layers
    draw()
    second = person.viewer.add_image(np.full((120, 160), 90, np.uint8), name="second")
    draw()
    layers.remove("squares")
    person.wait()
    draw()
    # On top of the image that is left, where clicks can be seen.
    assert list(layers) == [second, person.layers.preview, person.layers.points]


def test_labels_then_their_image_are_deleted(make_person: MakePerson) -> None:
    person = make_person()
    layers = person.viewer.layers
    person.click(40, 55)
    person.dock.controller.finish()
    person.wait()
    second = person.viewer.add_image(np.full((120, 160), 90, np.uint8), name="second")
    draw()
    layers.remove(person.target)
    person.wait()
    draw()
    layers.remove("squares")
    person.wait()
    draw()
    assert list(layers) == [second, person.layers.preview, person.layers.points]


class Wanderer:
    """Does to the layers of a window what comes to mind."""

    def __init__(self, person: Person, seed: int) -> None:
        self.viewer, self.person = person.viewer, person
        self.random = np.random.default_rng(seed)
        self.ways: list[Callable[[], None]] = [
            self.open_image,
            self.open_labels,
            self.delete,
            self.delete,
            self.delete_image,
            self.move,
            self.hide,
            self.click,
            draw,
        ]

    def choose(self, layers: Any) -> Any:
        return layers[self.random.integers(len(layers))] if len(layers) else None

    def step(self) -> None:
        self.choose(self.ways)()

    def open_image(self) -> None:
        side = int(self.random.integers(60, 90))
        self.viewer.add_image(np.full((side, side), 90, np.uint8))

    def open_labels(self) -> None:
        image = self.person.dock.controls.image.layer
        if image is not None:
            shape = image.data.shape[: image.ndim]
            self.viewer.add_labels(np.zeros(shape, np.uint8))

    def delete(self) -> None:
        if (layer := self.choose(self.viewer.layers)) is not None:
            self.viewer.layers.remove(layer)

    def delete_image(self) -> None:
        image = self.person.dock.controls.image.layer
        if image in self.viewer.layers:
            self.viewer.layers.remove(image)

    def move(self) -> None:
        count = len(self.viewer.layers)
        if count > 1:
            self.viewer.layers.move(*self.random.integers(count, size=2).tolist())

    def hide(self) -> None:
        if (layer := self.choose(self.viewer.layers)) is not None:
            layer.visible = not layer.visible

    def click(self) -> None:
        if (points := self.person.layers.points) is not None:
            points.add([20.0] * points.ndim)
        self.person.dock.controller.finish()


@pytest.mark.parametrize("seed", range(ORDERS))
def test_layers_come_and_go_in_any_order(make_person: MakePerson, seed: int) -> None:
    person = make_person()
    wanderer = Wanderer(person, seed)
    for _ in range(15):
        wanderer.step()
        if wanderer.random.random() < 0.7:
            draw()
    person.wait()
    draw()
