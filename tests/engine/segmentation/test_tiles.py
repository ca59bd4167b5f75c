from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import softmax
from torch.nn import functional

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.segmentation.tiles import (
    BLOCK,
    Blender,
    Tile,
    TileScores,
    blocks,
    lay_out,
)

Map = tuple[NDArray[np.float32], tuple[int, int]]


def random_map(
    rng: np.random.Generator, classes: int, seen: tuple[int, int], step: int = 4
) -> Map:
    """Return probabilities at random, ``step`` pixels of the network per value."""
    shape = (classes, seen[0] // step, seen[1] // step)
    return softmax(rng.normal(size=shape) * 2, axis=0).astype(np.float32), seen


def random_scores(
    tiles: list[list[Tile]], classes: int, step: int = 4
) -> list[TileScores]:
    rng = np.random.default_rng(0)
    return [
        TileScores(tile.window, (random_map(rng, classes, tile.shape, step),))
        for row in tiles
        for tile in row
    ]


@given(
    shape=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    side=st.sampled_from([32, 64, 96]),
    share=st.floats(0, 0.5),
    scale=st.floats(0.2, 5),
)
def test_tiles_cover_every_pixel(
    shape: tuple[int, int], side: int, share: float, scale: float
) -> None:
    overlap = int(share * side)
    rows = lay_out(shape, side, overlap, scale)
    covered = np.zeros(shape, int)
    for tile in (tile for row in rows for tile in row):
        assert 0 <= tile.window.top < tile.window.bottom <= shape[0]
        assert 0 <= tile.window.left < tile.window.right <= shape[1]
        assert all(0 < length <= side and length % 32 == 0 for length in tile.shape)
        covered[tile.window.slices] += 1
    assert covered.min() >= 1
    assert rows == lay_out(shape, side, overlap, scale)


@given(
    length=st.integers(1, 2000),
    overlap=st.integers(0, 32),
    scale=st.floats(0.2, 5),
)
def test_neighbours_overlap_and_come_in_order(
    length: int, overlap: int, scale: float
) -> None:
    (row,) = lay_out((1, length), 64, overlap, scale)
    windows = [tile.window for tile in row]
    assert windows[0].left == 0
    assert windows[-1].right == length
    for before, after in pairwise(windows):
        assert before.left <= after.left
        # Windows start on whole pixels: that costs less than one.
        assert before.right - after.left > overlap / scale - 1


def test_no_more_tiles_than_it_takes() -> None:
    assert [len(row) for row in lay_out((64, 112), 64, 16, 1.0)] == [2]
    assert [len(row) for row in lay_out((64, 113), 64, 16, 1.0)] == [3]
    assert [len(row) for row in lay_out((224, 112), 64, 16, 0.5)] == [1, 1]


@pytest.mark.parametrize(
    ("shape", "scale", "seen"),
    [
        ((128, 128), 1.0, (128, 128)),
        ((50, 70), 1.0, (64, 64)),
        ((120, 100), 1.0, (128, 96)),
        ((1, 3), 1.0, (32, 32)),
        ((1000, 500), 0.128, (128, 64)),
    ],
)
def test_a_small_image_is_one_tile(
    shape: tuple[int, int], scale: float, seen: tuple[int, int]
) -> None:
    assert lay_out(shape, 128, 32, scale) == [[Tile(Window(0, 0, *shape), seen)]]


def test_a_smaller_map_is_stretched_as_smp_stretches_logits() -> None:
    values, seen = random_map(np.random.default_rng(0), 3, (64, 96))
    assert values.shape == (3, 16, 24)
    tile = TileScores(Window(10, 20, 74, 116), ((values, seen),))
    expected = functional.interpolate(
        torch.from_numpy(values)[None], seen, mode="bilinear", align_corners=True
    )[0].numpy()
    every = np.arange(3)
    whole = tile.sample(tile.window, every)
    np.testing.assert_allclose(whole, expected, atol=1e-5)
    part = tile.sample(Window(13, 31, 60, 32), every[[2, 0]])
    np.testing.assert_allclose(part, expected[[2, 0], 3:50, 11:12], atol=1e-5)


def test_a_map_of_the_size_of_its_window_is_kept() -> None:
    values, seen = random_map(np.random.default_rng(0), 3, (32, 64), step=1)
    tile = TileScores(Window(5, 0, 37, 64), ((values, seen),))
    sampled = tile.sample(tile.window, np.arange(3))
    np.testing.assert_allclose(sampled, values, atol=1e-6)


def test_a_window_that_was_seen_smaller_is_enlarged_by_pixel_centres() -> None:
    values, seen = random_map(np.random.default_rng(0), 3, (32, 64), step=1)
    tile = TileScores(Window(0, 0, 80, 90), ((values, seen),))
    expected = functional.interpolate(
        torch.from_numpy(values)[None], (80, 90), mode="bilinear", align_corners=False
    )[0].numpy()
    sampled = tile.sample(tile.window, np.arange(3))
    np.testing.assert_allclose(sampled, expected, atol=1e-5)


def test_several_maps_are_averaged() -> None:
    rng = np.random.default_rng(0)
    maps = random_map(rng, 3, (64, 64)), random_map(rng, 3, (96, 96))
    window = Window(0, 0, 64, 64)
    alone = [TileScores(window, (one,)).sample(window, np.arange(3)) for one in maps]
    both = TileScores(window, maps).sample(window, np.arange(3))
    np.testing.assert_allclose(both, (alone[0] + alone[1]) / 2, atol=1e-6)


@given(
    seed=st.integers(0, 2**16),
    classes=st.integers(2, 30),
    spread=st.sampled_from([0, 1e-7, 1e-3, 0.3, 3]),
    scales=st.integers(1, 2),
    corner=st.tuples(st.integers(0, 50), st.integers(0, 50)),
    size=st.tuples(st.integers(1, 14), st.integers(1, 14)),
)
def test_no_class_that_is_the_most_probable_is_left_out(
    seed: int,
    classes: int,
    spread: float,
    scales: int,
    corner: tuple[int, int],
    size: tuple[int, int],
) -> None:
    rng = np.random.default_rng(seed)
    maps = []
    for scale in range(1, scales + 1):
        logits = rng.normal(size=(classes, 8 * scale, 8 * scale)) * spread
        values = softmax(logits.astype(np.float32), axis=0)
        maps.append((values, (32 * scale, 32 * scale)))
    tile = TileScores(Window(0, 0, 64, 64), tuple(maps))
    part = Window(*corner, corner[0] + size[0], corner[1] + size[1])
    found = tile.sample(part, np.arange(classes))
    able = tile.may_be(part, classes)
    assert able[np.unique(found.argmax(0))].all()


def test_rounding_leaves_no_pixel_without_a_class() -> None:
    # All equal, and each a little less than a third.
    values = np.full((3, 8, 8), np.nextafter(np.float32(1 / 3), np.float32(0)))
    tile = TileScores(Window(0, 0, 32, 32), ((values, (32, 32)),))
    best, score = Blender((32, 32), 3, 1.0).decide(tile.window, [tile])
    assert np.all(best == 0)
    np.testing.assert_allclose(score, 1 / 3, rtol=1e-6)


def test_classes_that_are_nowhere_probable_are_not_looked_at() -> None:
    values = np.zeros((4, 8, 8), np.float32)
    values[1, :, :4] = values[3, :, 4:] = 1
    tile = TileScores(Window(0, 0, 32, 32), ((values, (32, 32)),))
    assert tile.may_be(Window(0, 0, 32, 8), 4).tolist() == [False, True, False, False]
    assert tile.may_be(tile.window, 4).tolist() == [False, True, False, True]


@pytest.mark.parametrize("shape", [(150, 200), (40, 700), (300, 90)])
def test_deciding_is_blending_and_taking_the_largest(shape: tuple[int, int]) -> None:
    tiles = random_scores(lay_out(shape, 64, 16, 1.0), 5)
    assert len(tiles) > 4
    blender = Blender(shape, 5, 16.0)
    whole = Window(0, 0, *shape)
    assert len(blocks(whole)) == (1 if max(shape) < 256 else 2)
    blended = blender.blend(whole, tiles, np.arange(5))
    np.testing.assert_allclose(blended.sum(0), 1, atol=1e-5)
    best, score = blender.decide(whole, tiles)
    np.testing.assert_allclose(score, blended.max(0), atol=1e-5)
    chosen = np.take_along_axis(blended, best[None], 0)[0]
    np.testing.assert_allclose(chosen, blended.max(0), atol=1e-5)
    assert len(np.unique(best)) == 5


def test_the_order_of_the_tiles_does_not_matter() -> None:
    tiles = random_scores(lay_out((100, 130), 64, 20, 1.0), 3)
    blender = Blender((100, 130), 3, 20.0)
    whole, every = Window(0, 0, 100, 130), np.arange(3)
    there, back = (blender.blend(whole, order, every) for order in (tiles, tiles[::-1]))
    np.testing.assert_allclose(there, back, atol=1e-6)


@pytest.mark.parametrize("overlap", [0, 1, 16, 32])
@pytest.mark.parametrize("scale", [0.4, 1.0, 1.7])
def test_tiles_that_agree_leave_no_seams(overlap: int, scale: float) -> None:
    rows = lay_out((150, 200), 64, overlap, scale)
    agreed = np.array([0.7, 0.2, 0.1], np.float32)
    values = np.broadcast_to(agreed[:, None, None], (3, 16, 16))
    tiles = [
        TileScores(tile.window, ((values, tile.shape),)) for row in rows for tile in row
    ]
    assert len(tiles) > 1
    blender = Blender((150, 200), 3, max(overlap, 1) / scale)
    blended = blender.blend(Window(0, 0, 150, 200), tiles, np.arange(3))
    np.testing.assert_allclose(
        blended, np.broadcast_to(agreed[:, None, None], blended.shape), atol=1e-6
    )


def test_the_middle_of_a_tile_counts_more_than_its_rim() -> None:
    rows = lay_out((64, 112), 64, 16, 1.0)
    left, right = (tile.window for tile in rows[0])
    sure = np.zeros((2, 64, 64), np.float32)
    sure[0] = 1
    tiles = [
        TileScores(left, ((sure, (64, 64)),)),
        TileScores(right, ((sure[::-1], (64, 64)),)),
    ]
    blended = Blender((64, 112), 2, 16.0).blend(
        Window(0, 0, 64, 112), tiles, np.arange(1)
    )
    (row,) = np.unique(blended[0], axis=0)
    assert np.all(row[:48] == 1)
    assert np.all(row[64:] == 0)
    assert np.all(np.diff(row[47:65]) < 0)
    np.testing.assert_allclose(row[48:64] + row[48:64][::-1], 1, atol=1e-6)


@given(
    top=st.integers(0, 600),
    left=st.integers(0, 600),
    height=st.integers(0, 600),
    width=st.integers(1, 1200),
)
def test_blocks_are_bounded_and_cover_once(
    top: int, left: int, height: int, width: int
) -> None:
    found = blocks(Window(top, left, top + height, left + width))
    assert sum(b.height * b.width for b in found) == height * width
    covered = np.zeros((height, width), np.uint8)
    for block in found:
        assert 0 < block.height <= BLOCK[0]
        assert 0 < block.width <= BLOCK[1]
        covered[
            block.top - top : block.bottom - top, block.left - left : block.right - left
        ] += 1
    assert np.all(covered == 1)
