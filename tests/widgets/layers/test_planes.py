from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_edgeflow.engine.raster.image import ImageReader, Window
from napari_edgeflow.widgets.layers.planes import (
    Plane,
    PlaneImage,
    follow,
    layer_shape,
    placement,
    plane_shown,
    read_plane,
    thick_shape,
    visible_window,
)


def test_positions_go_to_the_array_and_back() -> None:
    plane = Plane((None, 4, None, 2))
    assert plane.axes == (0, 2)
    assert plane.name == "slices 4, 2 of axes 1, 3"
    assert Plane((3, None, None)).name == "slice 3 of axis 0"
    point = plane.point(7.25, 9.5)
    assert point == (7.25, 4, 9.5, 2)
    assert plane.position(point) == (7.25, 9.5)
    assert plane.holds(point)
    assert plane.holds((0, 4.3, 0, 1.6))
    assert not plane.holds((0, 5, 0, 2))
    array = np.arange(3 * 5 * 4 * 3).reshape(3, 5, 4, 3)
    part = array[plane.select(slice(0, 2), slice(1, 4))]
    np.testing.assert_array_equal(part, array[0:2, 4, 1:4, 2])
    assert thick_shape((3, 5, 4, 3), plane) == (3, 1, 4, 1)


@pytest.mark.parametrize("rgb", [False, True])
def test_the_engine_reads_a_plane_as_an_image(rgb: bool) -> None:
    rng = np.random.default_rng(0)
    data = rng.integers(0, 255, (4, 30, 40, 3) if rgb else (4, 30, 40), np.uint8)
    image = PlaneImage(data, Plane((2, None, None)), rgb, (0.0, 255.0))
    assert image.shape == (30, 40, 3 if rgb else 1)
    read = ImageReader(image, image.limits).read(Window(0, 0, 30, 40), (30, 40))
    expected = data[2] if rgb else np.repeat(data[2][..., None], 3, 2)
    np.testing.assert_array_equal(read, expected)
    np.testing.assert_array_equal(
        np.asarray(image)[..., 0], data[2, ..., 0] if rgb else data[2]
    )
    assert image.holds(-0.5, 39.4)
    assert not image.holds(29.5, 0)


def test_only_the_window_asked_for_is_read() -> None:
    class Guarded:
        shape, dtype, ndim = (9, 50_000, 50_000), np.dtype("u2"), 3

        def __getitem__(self, key: Any) -> Any:
            _, rows, columns = key
            assert rows.stop - rows.start < 100
            return np.zeros((rows.stop - rows.start, columns.stop - columns.start))

    image = PlaneImage(Guarded(), Plane((1, None, None)), False, (0.0, 9.0))
    assert image[slice(10, 20), slice(5, 9)].shape == (10, 4, 1)


def test_the_plane_being_shown_follows_sliders_and_order() -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(
        np.zeros((5, 20, 30)), scale=(4, 1, 1), translate=(8, 0, 0)
    )
    viewer.dims.set_point(0, 8 + 4 * 3)
    assert plane_shown(viewer, layer) == Plane((3, None, None))
    viewer.dims.order = (2, 0, 1)
    viewer.dims.set_point(2, 11)
    assert plane_shown(viewer, layer) == Plane((None, None, 11))
    viewer.dims.order = (1, 2, 0)
    viewer.dims.set_point(1, 4)
    assert plane_shown(viewer, layer) == Plane((None, 4, None))


def test_a_picture_among_stacks() -> None:
    viewer = ViewerModel()
    picture = viewer.add_image(np.zeros((20, 30, 3), np.uint8), rgb=True)
    stack = viewer.add_image(np.zeros((5, 20, 30)))
    assert layer_shape(picture) == (20, 30)
    assert plane_shown(viewer, picture) == Plane((None, None))
    viewer.dims.order = (1, 0, 2)
    with pytest.raises(ValueError, match="not axes of"):
        plane_shown(viewer, picture)
    viewer.dims.ndisplay = 3
    with pytest.raises(ValueError, match="2D"):
        plane_shown(viewer, stack)


def test_a_place_outside_of_a_layer_is_said() -> None:
    viewer = ViewerModel()
    short = viewer.add_image(np.zeros((3, 20, 30)), name="short")
    viewer.add_image(np.zeros((9, 20, 30)))
    viewer.dims.set_current_step(0, 7)
    with pytest.raises(ValueError, match="'short' has nothing"):
        read_plane(viewer, short)


@pytest.mark.parametrize(
    ("dtype", "highest", "limits"),
    [
        (np.uint8, 116, (0.0, 255.0)),
        (np.uint16, 4095, (0.0, 4095.0)),
        (np.float32, 255, (0.0, 255.0)),
        (np.float32, 1, (0.0, 1.0)),
    ],
)
@pytest.mark.parametrize("rgb", [False, True])
def test_the_network_sees_what_the_person_sees(
    dtype: Any, highest: int, limits: tuple[float, float], rgb: bool
) -> None:
    viewer = ViewerModel()
    data = np.zeros((20, 30, 3) if rgb else (20, 30), dtype)
    data[5:] = highest
    layer = viewer.add_image(data, rgb=rgb)
    image = read_plane(viewer, layer)
    assert image.limits == limits
    assert image.same_as(read_plane(viewer, layer))
    layer.contrast_limits = (limits[1] / 4, limits[1])
    changed = read_plane(viewer, layer)
    assert not image.same_as(changed)
    assert changed.limits == (limits[1] / 4, limits[1])
    # What is darker than black is black; the reader stands between both.
    seen = ImageReader(changed, changed.limits).read_whole()
    assert seen[:5].max() == 0
    share = (highest / limits[1] - 0.25) / 0.75
    assert seen[-1, -1].tolist() == [int(max(share, 0) * 255 + 1e-3)] * 3


def test_the_visible_part() -> None:
    layer = Image(np.zeros((100, 200)))
    plane = Plane((None, None))
    layer.corner_pixels = np.array([[0, 0], [99, 199]])
    assert visible_window(layer, plane) is None
    layer.corner_pixels = np.array([[10, 20], [59, 199]])
    assert visible_window(layer, plane) == Window(10, 20, 60, 200)
    layer.corner_pixels = np.array([[0, 0], [-1, -1]])
    assert visible_window(layer, plane) is None


def test_the_visible_part_of_a_pyramid_is_in_full_pixels() -> None:
    levels = [np.zeros((400, 800)), np.zeros((100, 200))]
    layer = Image(levels, multiscale=True)
    layer.data_level = 1
    layer.corner_pixels = np.array([[10, 20], [59, 99]])
    assert visible_window(layer, Plane((None, None))) == Window(40, 80, 240, 400)


def test_a_layer_of_one_plane_lies_where_the_plane_is() -> None:
    affine = np.array([[0.5, 0, 0, 9], [0, 1, 0.25, 0], [0, 0, 2, 1], [0, 0, 0, 1]])
    image = Image(
        np.zeros((4, 20, 30)),
        scale=(3, 0.5, 2),
        translate=(7, 8, 9),
        rotate=(0, 0, 25),
        shear=(0.1, 0.2, 0.3),
        affine=affine,
    )
    plane = Plane((3, None, None))
    whole = Labels(np.zeros((4, 20, 30), int), **placement(image))
    thin = Labels(np.zeros((1, 20, 30), int))
    follow(thin, image, plane)
    for y, x in ((0, 0), (11, 23)):
        expected = image.data_to_world((3, y, x))
        np.testing.assert_allclose(whole.data_to_world((3, y, x)), expected)
        np.testing.assert_allclose(thin.data_to_world((0, y, x)), expected)
