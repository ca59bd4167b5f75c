import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_edgeflow.engine.raster.image import (
    ImageReader,
    Window,
    full_limits,
    resize_image,
    resize_mask,
    stretched_limits,
)

KINDS = [np.uint8, np.uint16, np.int32, np.float32, np.float64, bool]


def whole(image: np.ndarray) -> Window:
    return Window(0, 0, *image.shape[:2])


@settings(deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([None, 1, 2, 3, 4, 7]),
    st.sampled_from(KINDS),
)
def test_every_2d_image_is_read(
    height: int, width: int, channels: int | None, kind: type
) -> None:
    rng = np.random.default_rng(0)
    shape = (height, width) if channels is None else (height, width, channels)
    image = rng.integers(0, 200, shape).astype(kind)
    read = ImageReader(image).read(whole(image), (32, 64))
    assert read.shape == (32, 64, 3)
    assert read.dtype == np.uint8


def test_rgb_is_kept_and_grey_repeated() -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    assert np.array_equal(ImageReader(rgb).read(whole(rgb), (32, 32)), rgb)
    grey = ImageReader(rgb[..., 0]).read(whole(rgb), (32, 32))
    assert np.array_equal(grey, np.repeat(rgb[..., :1], 3, 2))
    rgba = np.dstack([rgb, np.zeros((32, 32), np.uint8)])
    assert np.array_equal(ImageReader(rgba).read(whole(rgb), (32, 32)), rgb)


def test_other_types_are_stretched_and_nan_is_black() -> None:
    image = np.linspace(-5, 5, 100 * 100, dtype=np.float32).reshape(100, 100)
    image[0, 0] = np.nan
    image[99, 99] = np.inf
    read = ImageReader(image).read(whole(image), (100, 100))
    assert read[0, 0, 0] == 0
    assert read[99, 99, 0] == 255
    assert abs(int(read[50, 0, 0]) - 128) < 3
    assert (
        ImageReader(np.full((4, 4), np.nan)).read(Window(0, 0, 4, 4), (32, 32)).max()
        == 0
    )


def test_limits_can_be_given() -> None:
    image = np.full((4, 4), 30, np.uint8)
    read = ImageReader(image, limits=(0, 60)).read(Window(0, 0, 4, 4), (32, 32))
    assert np.all(read == 127)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((0, 5)), "no pixels"),
        (np.zeros((5, 0, 3)), "no pixels"),
        (np.zeros(5), "2 dimensions"),
        (np.zeros((2, 3, 4, 3)), "2 dimensions"),
        (np.zeros((4, 4), complex), "complex128"),
        (np.array([["a"]]), "not supported"),
    ],
)
def test_what_is_no_image_is_refused(image: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ImageReader(image)


def test_large_images_are_read_from_the_pyramid_as_without_one() -> None:
    ys, xs = np.mgrid[:2100, :1500]
    image = ((np.sin(ys / 90) + np.cos(xs / 70) + 2) * 60).astype(np.uint8)
    reader = ImageReader(image)
    for window in (whole(image), Window(150, 203, 2011, 1444), Window(7, 9, 60, 80)):
        read = reader.read(window, (224, 160))
        direct = resize_image(np.repeat(image[..., None], 3, 2), window, (224, 160))
        assert np.abs(read.astype(int) - direct).max() <= 6


def test_lazy_sources_are_never_loaded_whole() -> None:
    class Lazy:
        shape, ndim, dtype = (5000, 5000, 3), 3, np.dtype(np.uint8)
        largest = 0

        def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
            part = np.broadcast_to(np.uint8(7), self.shape)[key]
            Lazy.largest = max(Lazy.largest, part.size)
            return part

    reader = ImageReader(Lazy())  # type: ignore[arg-type]
    assert np.all(reader.read(Window(0, 0, 5000, 5000), (256, 256)) == 7)
    assert Lazy.largest < 5000 * 5000 * 3 / 4


def test_masks_are_resized_by_coverage() -> None:
    mask = np.zeros((64, 64), bool)
    mask[:32] = True
    assert np.array_equal(
        resize_mask(mask, Window(16, 0, 48, 64), (32, 32)),
        np.repeat([True, False], 16)[:, None] & np.ones((1, 32), bool),
    )


def test_windows_know_their_size_and_union() -> None:
    window = Window(1, 2, 4, 8)
    assert (window.height, window.width) == (3, 6)
    assert window.union(Window(0, 5, 2, 9)) == Window(0, 2, 4, 9)
    assert np.zeros((10, 10))[window.slices].shape == (3, 6)


def test_dark_images_are_stretched_but_not_their_noise() -> None:
    dark = np.full((50, 50), 3, np.uint8)
    dark[10:30, 10:30] = 60
    assert stretched_limits(dark) == (3, 60)
    assert stretched_limits(dark, (0.0, 255.0)) == (3, 60)
    assert stretched_limits(dark, (5.0, 80.0)) == (5, 80)
    noise = np.full((50, 50, 3), 3, np.uint8)
    noise[::2] = 5
    assert stretched_limits(noise) == (3, 27)
    assert stretched_limits(noise.astype(np.uint16) * 100) == (300, 500)


def test_black_and_white_are_the_lowest_and_the_highest_value() -> None:
    deep = np.linspace(900, 5000, 600).reshape(20, 30).astype(np.uint16)
    assert full_limits(deep) == (900, 5000)
    assert full_limits(np.stack([deep, deep // 2])) == (450, 5000)
    assert full_limits(np.dstack([deep] * 3 + [deep * 0])) == (900, 5000)
    assert full_limits(np.array([[np.nan, 0.5], [np.inf, 2.0]])) == (0.5, 2.0)
    assert full_limits(np.full((3, 4), 7.0)) == (0, 7)
    assert full_limits(deep.astype(np.uint8)) == (0, 255)
    # A layer that nobody has adjusted has these: a model that stretches does so.
    assert stretched_limits(deep, (900.0, 5000.0)) == stretched_limits(deep)
    assert stretched_limits(deep, (900.0, 4000.0)) == (900, 4000)
