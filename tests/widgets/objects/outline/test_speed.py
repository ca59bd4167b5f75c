"""How long napari takes for an outline."""

import time

import numpy as np
from napari.layers import Shapes


def test_an_outline_of_many_vertices_does_not_hold_the_window() -> None:
    """With napari's Python it takes a quarter of a second, and fails at crossings."""
    angles = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    radii = 400 + 60 * np.sin(9 * angles) + 15 * np.sin(31 * angles)
    ring = 500 + radii[:, None] * np.stack([np.sin(angles), np.cos(angles)], 1)
    shapes = Shapes([ring[:5]], shape_type="polygon")
    started = time.thread_time()
    shapes.add_polygons([ring])
    shapes.data = [ring[::-1]]
    assert time.thread_time() - started < 0.15
