import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_edgeflow.engine.raster.interpolation import linear_bands, linear_weights


@given(
    positions=st.lists(st.floats(-3, 12, width=32), min_size=1, max_size=8),
    count=st.integers(1, 9),
    seed=st.integers(0, 999),
)
def test_it_interpolates_as_numpy_does(
    positions: list[float], count: int, seed: int
) -> None:
    places = np.array(positions)
    samples = np.random.default_rng(seed).normal(size=count)
    matrix = linear_weights(places, count)
    assert matrix.shape == (len(positions), count)
    assert matrix.dtype == np.float32
    expected = np.interp(places, np.arange(count), samples)
    np.testing.assert_allclose(matrix @ samples, expected, atol=1e-5)
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-6)
    assert np.count_nonzero(matrix, axis=1).max() <= 2


def test_by_hand() -> None:
    matrix = linear_weights(np.array([-1.0, 0.0, 1.25, 2.0, 7.0]), 3)
    assert matrix.tolist() == [
        [1, 0, 0],
        [1, 0, 0],
        [0, 0.75, 0.25],
        [0, 0, 1],
        [0, 0, 1],
    ]
    assert linear_weights(np.array([0.0, 0.4]), 1).tolist() == [[1], [1]]


@given(
    start=st.floats(-3, 3, width=32),
    step=st.floats(0.015625, 3, width=32),
    samples=st.integers(1, 20),
    count=st.integers(1, 9),
    size=st.integers(1, 7),
)
def test_bands_are_what_is_not_zero_of_the_matrix(
    start: float, step: float, samples: int, count: int, size: int
) -> None:
    places = start + step * np.arange(samples)
    inside = (places > -0.5) & (places < count - 0.5)
    expected = linear_weights(places, count) * inside[:, None]
    result = np.zeros_like(expected)
    bands = linear_bands(places, count, size)
    assert len(bands) == -(-samples // size)
    for band in bands:
        result[band.samples, band.values] = band.weights
    np.testing.assert_allclose(result, expected, atol=1e-6)
