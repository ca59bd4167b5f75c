import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from skimage.transform import resize

from napari_edgeflow.engine.interaction.prediction import Prediction
from napari_edgeflow.engine.raster.image import Window


@given(arrays(bool, (9, 14)))
def test_a_mask_comes_back_exactly(mask: np.ndarray) -> None:
    prediction = Prediction.of_mask(mask)
    assert np.array_equal(prediction.mask(), mask)
    assert np.array_equal(prediction.full(), mask.astype(np.float32))
    assert (prediction.extent() is None) == (not mask.any())


def test_pixels_are_interpolated_like_skimage_does() -> None:
    scores = np.random.default_rng(0).random((32, 64), np.float32)
    window = Window(10, 20, 10 + 75, 20 + 150)
    prediction = Prediction((200, 300), window, scores)
    expected = resize(scores, (75, 150), order=1, mode="edge", anti_aliasing=False)
    assert np.abs(prediction.probabilities() - expected).max() < 1e-5
    full = prediction.full()
    assert full.shape == (200, 300)
    assert full.dtype == np.float32
    assert full[:10].max() == full[:, :20].max() == full[85:].max() == 0
    assert np.array_equal(prediction.mask(0.7), full >= 0.7)


def test_single_pixels_are_those_of_the_window() -> None:
    scores = np.random.default_rng(0).random((32, 64), np.float32)
    prediction = Prediction((200, 300), Window(10, 20, 85, 170), scores)
    full = prediction.full()
    for y, x in ((10, 20), (84, 169), (40.4, 99.6), (9, 30), (150, 250)):
        assert prediction.at(y, x) == pytest.approx(full[round(y), round(x)], abs=1e-6)


def test_sampling_beyond_the_window_gives_zero() -> None:
    prediction = Prediction(
        (100, 100), Window(40, 40, 60, 60), np.ones((4, 4), np.float32)
    )
    sample = prediction.sample(Window(0, 0, 100, 100), (50, 50))
    assert np.all(sample[20:30, 20:30] == 1)
    assert sample.sum() == 100


def test_extent_holds_the_mask() -> None:
    scores = np.zeros((8, 8), np.float32)
    scores[2:4, 5] = 1
    prediction = Prediction((160, 80), Window(0, 0, 160, 80), scores)
    assert prediction.extent() == Window(40, 50, 80, 60)


def test_single_score_covers_its_window() -> None:
    prediction = Prediction((3, 3), Window(0, 0, 3, 3), np.ones((1, 1), np.float32))
    assert prediction.full().min() == 1
    assert Prediction.nothing((3, 3)).full().max() == 0
    assert prediction.sample(Window(0, 0, 1, 1), (1, 1)) == pytest.approx(1)
