"""Colormaps of labels."""

import time
from typing import Any

import numpy as np
import pytest
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_edgeflow.widgets.layers.colours import direct_colormap

GREY, CLEAR = (0.5, 0.5, 0.5, 1.0), (0.0, 0.0, 0.0, 0.0)
RED, BLUE = (1.0, 0.0, 0.0, 1.0), (0.0, 0.0, 1.0, 0.5)
COLOURS = {None: GREY, 0: CLEAR, 3: RED, 200: BLUE, 7: RED}


@pytest.mark.parametrize("selected", [None, 7, 9])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_it_maps_as_napari_does(dtype: Any, selected: int | None) -> None:
    theirs, ours = DirectLabelColormap(color_dict=COLOURS), direct_colormap(COLOURS)
    values = np.array([[0, 3, 7], [9, 200, 255]], dtype)
    if selected is not None:
        for colormap in (theirs, ours):
            colormap.use_selection, colormap.selection = True, selected
    np.testing.assert_array_equal(ours.map(values), theirs.map(values))
    for value in (3, 9):
        np.testing.assert_array_equal(ours.map(value), theirs.map(value))


def test_colours_of_another_colormap_can_be_taken_over() -> None:
    first = direct_colormap(COLOURS)
    second = direct_colormap({**first.color_dict, 3: BLUE})
    np.testing.assert_array_equal(first.map(3), RED)
    np.testing.assert_array_equal(second.map(3), BLUE)
    np.testing.assert_array_equal(second.map(200), BLUE)


def test_thousands_of_objects_take_a_moment() -> None:
    layer = Labels(np.zeros((50, 50), np.uint16))
    colours = {**COLOURS, **dict.fromkeys(range(1, 20001), RED)}
    times = []
    for make in (DirectLabelColormap, direct_colormap):
        started = time.thread_time()
        layer.colormap = (
            make(color_dict=colours) if make is DirectLabelColormap else make(colours)
        )
        times.append(time.thread_time() - started)
    assert times[1] < 0.7 * times[0]
