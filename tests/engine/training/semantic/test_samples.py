from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from tests.engine.colour_network import painted, patches
from tests.engine.labelled import save_pairs

from napari_edgeflow.engine.data.pairs import VOID, LabelledImage
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.training.semantic.samples import (
    SemanticSample,
    SemanticSamples,
    SemanticSampleSettings,
    SemanticSource,
    class_chances,
    collate,
    cut,
    draw_window,
    pasted,
)

GREY = 127


def save(folder: Path, labels: Sequence[NDArray[np.uint8]]) -> SemanticSource:
    """Write images painted by their labels, 7 and 9 standing for 1 and 2."""
    pairs = []
    for number, one in enumerate(labels):
        pair = LabelledImage(folder / f"{number}.png", folder / f"{number}_labels.png")
        Image.fromarray(painted(one % 4)).save(pair.image)
        Image.fromarray(np.array([0, 7, 9, VOID], np.uint8)[one]).save(pair.labels)
        pairs.append(pair)
    return SemanticSource(tuple(pairs), (0, 7, 9))


def only(value: int, shape: tuple[int, int] = (60, 80)) -> NDArray[np.uint8]:
    """Return labels of which a square is ``value`` and the rest is background."""
    labels = np.zeros(shape, np.uint8)
    labels[20:40, 30:50] = value
    return labels


def test_labels_become_positions_among_the_classes() -> None:
    source = SemanticSource((LabelledImage(Path("a"), Path("b")),), (0, 9, 3, 300))
    labels = np.array([[0, 3, 9, 300], [1, 4, 255, 10]], np.uint16)
    found = source.indices(labels)
    assert found.dtype == np.uint8
    assert found.tolist() == [[0, 2, 1, 3], [VOID] * 4]
    # Labels beyond all ids, and without any of them.
    assert source.indices(np.array([[700]], np.int32)).tolist() == [[VOID]]
    assert source.indices(np.array([[3]], np.uint8)).tolist() == [[2]]


def test_classes_need_not_hold_the_background() -> None:
    source = SemanticSource((LabelledImage(Path("a"), Path("b")),), (2, 1))
    assert source.indices(np.array([[0, 1, 2]])).tolist() == [[VOID, 1, 0]]


def test_sources_are_checked() -> None:
    pair = LabelledImage(Path("a"), Path("b"))
    with pytest.raises(ValueError, match="no training images"):
        SemanticSource((), (0, 1))
    with pytest.raises(ValueError, match="1 classes: training needs 2"):
        SemanticSource((pair,), (0,))
    with pytest.raises(ValueError, match="256 classes"):
        SemanticSource((pair,), tuple(range(256)))
    assert SemanticSource((pair,), tuple(range(255))).class_ids[-1] == 254


def test_presence_tells_what_is_in_which_image(tmp_path: Path) -> None:
    source = save(tmp_path, [only(1), only(2), only(3), np.full((9, 9), 3, np.uint8)])
    assert source.presence().tolist() == [
        [True, True, False],
        [True, False, True],
        [True, False, False],
        [False, False, False],
    ]


def test_chances_by_hand() -> None:
    presence = np.array([[1, 1, 0, 0]] * 4 + [[1, 0, 1, 0]] + [[1, 0, 0, 0]], bool)
    # One image has nothing but background, four class 1, one class 2, none class 3.
    np.testing.assert_allclose(class_chances(presence, 0), [1 / 3, 1 / 3, 1 / 3, 0])
    np.testing.assert_allclose(class_chances(presence, 1), [1 / 6, 4 / 6, 1 / 6, 0])
    np.testing.assert_allclose(class_chances(presence, 0.5), [0.25, 0.5, 0.25, 0])
    assert class_chances(presence[:5], 0)[0] == 0
    with pytest.raises(ValueError, match="no training image has a labelled pixel"):
        class_chances(np.zeros((3, 4), bool), 0.3)


@given(
    shape=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    seed=st.integers(0, 2**16),
    reach=st.sampled_from([(0.1, 0.3), (0.4, 1.25), (1.5, 3.0)]),
)
def test_windows_hold_a_pixel_of_the_class(
    shape: tuple[int, int], seed: int, reach: tuple[float, float]
) -> None:
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 3, shape, np.uint8)
    pixel = int(rng.integers(target.size))
    target[target == 1] = 0
    target.ravel()[pixel] = 1
    choice = SemanticSampleSettings(reach=reach, centred=1.0)
    window = draw_window(target, 1, choice, rng)
    y, x = divmod(pixel, shape[1])
    assert window.top <= y < window.bottom
    assert window.left <= x < window.right
    least, most = (max(shape) * edge for edge in reach)
    for low, high, length in (
        (window.top, window.bottom, shape[0]),
        (window.left, window.right, shape[1]),
    ):
        # At most a tenth longer or shorter than the other side.
        assert max(least * 0.9, 16) - 1 <= high - low <= max(most * 1.11, 16) + 1
        # What fits lies inside, and what does not holds the whole image.
        assert (low >= 0 and high <= length) or (low <= 0 and high >= length)


def test_windows_differ_in_size_and_shape() -> None:
    rng = np.random.default_rng(0)
    target = np.ones((100, 100), np.uint8)
    choice = SemanticSampleSettings(reach=(0.5, 0.9), stretch=0.3, centred=0.0)
    drawn = [draw_window(target, 1, choice, rng) for _ in range(200)]
    ratios = [w.height / w.width for w in drawn]
    assert 0.7 < min(ratios) < 0.8
    assert 1.25 < max(ratios) < 1.4
    assert len({w.top for w in drawn}) > 20


@given(
    top=st.integers(-60, 59),
    left=st.integers(-60, 79),
    height=st.integers(16, 150),
    width=st.integers(16, 150),
    size=st.sampled_from([32, 64, 96]),
    seed=st.integers(0, 99),
)
def test_image_and_labels_are_cut_alike(
    top: int, left: int, height: int, width: int, size: int, seed: int
) -> None:
    window = Window(top, left, top + height, left + width)
    labels = 1 + patches((60, 80), seed=seed) % 3
    if not window.meets(Window(0, 0, 60, 80)):
        window = Window(-9, -9, 90, 90)
    sample = cut(painted(labels), labels, window, size)
    assert sample.image.shape == (size, size, 3)
    assert sample.target.shape == (size, size)
    off = np.all(sample.image == GREY, axis=2)
    np.testing.assert_array_equal(sample.target == VOID, off)
    # Where a pixel shows one pure colour, that is its label.
    shown = [np.all(sample.image == painted(np.array(k)), axis=2) for k in (1, 2, 3)]
    for number, where in enumerate(shown, 1):
        assert np.all(sample.target[where] == number)
    share = height * width / size**2
    if share < 1 and not off.all():
        assert np.any(shown, axis=0).sum() > 0.3 * (~off).sum()


@pytest.mark.parametrize(
    ("window", "rows", "columns"),
    [
        (Window(0, 0, 64, 64), slice(0, 64), slice(0, 64)),
        (Window(-32, 0, 32, 64), slice(32, 64), slice(0, 64)),
        (Window(0, -16, 64, 48), slice(0, 64), slice(16, 64)),
        (Window(48, 0, 112, 64), slice(0, 16), slice(0, 64)),
        (Window(-32, -32, 96, 96), slice(16, 48), slice(16, 48)),
    ],
)
def test_what_lies_off_the_image_is_grey_and_void(
    window: Window, rows: slice, columns: slice
) -> None:
    labels = np.ones((64, 64), np.uint8)
    sample = cut(painted(labels), labels, window, 64)
    expected = np.full((64, 64), VOID)
    expected[rows, columns] = 1
    np.testing.assert_array_equal(sample.target, expected)
    assert np.all(sample.image[expected == VOID] == GREY)
    assert np.all(sample.image[expected == 1] == painted(np.array(1)))


def test_a_window_of_the_crops_size_is_kept_pixel_by_pixel() -> None:
    labels = patches((64, 64))
    sample = cut(painted(labels), labels, Window(8, 16, 40, 48), 32)
    np.testing.assert_array_equal(sample.target, labels[8:40, 16:48])
    np.testing.assert_array_equal(sample.image, painted(labels)[8:40, 16:48])


def test_objects_are_laid_over_a_crop() -> None:
    below = SemanticSample(np.full((2, 2, 3), 5, np.uint8), np.full((2, 2), 3, "u1"))
    above = SemanticSample(
        np.full((2, 2, 3), 9, np.uint8), np.array([[0, 1], [VOID, 2]], np.uint8)
    )
    both = pasted(below, above)
    assert both.target.tolist() == [[3, 1], [3, 2]]
    assert both.image[..., 0].tolist() == [[5, 9], [5, 9]]


def test_batches_are_what_networks_take() -> None:
    labels = patches((32, 32))
    sample = cut(painted(labels), labels, Window(0, 0, 40, 40), 32)
    images, targets = collate([sample, sample, sample])
    assert images.shape == (3, 3, 32, 32)
    assert images.dtype == torch.float32
    assert (images.min(), images.max()) == (0, 1)
    assert targets.dtype == torch.int64
    assert targets[1].tolist() == sample.target.tolist()
    np.testing.assert_array_equal(
        (images[2] * 255).round().permute(1, 2, 0).numpy(), sample.image
    )


def stream(
    source: SemanticSource, seed: int, count: int, **how: float
) -> list[SemanticSample]:
    choice = SemanticSampleSettings(size=32, **how)  # type: ignore[arg-type]
    samples = SemanticSamples(source, source.presence(), choice, seed)
    return list(islice(samples, count))


def test_the_stream_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    source = save(tmp_path, [only(1), only(2), patches((50, 60))])
    first, again, other = (stream(source, seed, 12) for seed in (4, 4, 5))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.image, two.image)
        np.testing.assert_array_equal(one.target, two.target)
    assert not all(
        np.array_equal(one.target, two.target)
        for one, two in zip(first, other, strict=True)
    )
    for sample in first:
        assert sample.image.shape == (32, 32, 3)
        assert set(np.unique(sample.target)) <= {0, 1, 2, VOID}


def test_rare_classes_come_more_often_than_their_share(tmp_path: Path) -> None:
    # One image of ten shows class 2.
    source = save(tmp_path, [*(only(1) for _ in range(9)), only(2)])
    drawn = stream(source, 0, 120, paste=0.0, centred=1.0)
    rare = np.mean([np.any(sample.target == 2) for sample in drawn])
    assert 0.2 < rare < 0.6
    common = stream(source, 0, 120, paste=0.0, centred=1.0, balance=1.0)
    assert np.mean([np.any(sample.target == 2) for sample in common]) < rare - 0.1


def test_pasting_brings_classes_of_two_images_together(tmp_path: Path) -> None:
    source = save(tmp_path, [only(1), only(2)])

    def both(paste: float) -> int:
        found = [set(np.unique(s.target)) for s in stream(source, 0, 40, paste=paste)]
        return sum({1, 2} <= classes for classes in found)

    assert both(0.0) == 0
    assert both(1.0) > 5


def test_crops_of_microscopy_are_turned_with_their_labels(
    tmp_path: Path,
) -> None:
    labels = np.zeros((32, 32), np.uint8)
    labels[:16] = 1
    (pair,) = save_pairs(tmp_path, [labels])
    turned = SemanticSampleSettings.suited(32, microscopy=True)
    settings = replace(turned, size=32, reach=(1.0, 1.0), stretch=0, paste=0)
    source = SemanticSource((pair,), (0, 1))
    samples = iter(SemanticSamples(source, source.presence(), settings))
    found = set()
    for _ in range(12):
        sample = next(samples)
        ones, zeros = sample.target == 1, sample.target == 0
        # What is labelled 1 is red, in whichever light.
        red = sample.image.astype(int)
        assert red[ones].mean() != red[zeros].mean()
        ys, xs = np.nonzero(ones)
        found.add((bool(ys.mean() < 15), bool(ys.mean() > 17), bool(xs.mean() < 15)))
    assert len(found) >= 3
