import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_edgeflow.engine.interpolation import linear_weights


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
    matrix, first = linear_weights(places, count)
    assert matrix.shape == (len(positions), count)
    assert matrix.dtype == np.float32
    expected = np.interp(places, np.arange(count), samples)
    np.testing.assert_allclose(matrix @ samples, expected, atol=1e-5)
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-6)
    assert np.count_nonzero(matrix, axis=1).max() <= 2
    for row, start in zip(matrix, first, strict=True):
        assert np.flatnonzero(row).min() >= start
        assert np.flatnonzero(row).max() <= start + 1


def test_by_hand() -> None:
    matrix, first = linear_weights(np.array([-1.0, 0.0, 1.25, 2.0, 7.0]), 3)
    assert matrix.tolist() == [
        [1, 0, 0],
        [1, 0, 0],
        [0, 0.75, 0.25],
        [0, 0, 1],
        [0, 0, 1],
    ]
    assert first.tolist() == [0, 0, 1, 1, 1]
    assert linear_weights(np.array([0.0, 0.4]), 1)[0].tolist() == [[1], [1]]
