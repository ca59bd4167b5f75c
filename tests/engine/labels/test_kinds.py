import numpy as np
import pytest

from napari_edgeflow.engine.labels.kinds import guess_kind


def blobs(count: int, value: int = 0) -> np.ndarray:
    """Squares in rows, each of its own value, or all of the one that is given."""
    labels = np.zeros((60, 60), np.int64)
    for at in range(count):
        y, x = divmod(at, 6)
        labels[10 * y : 10 * y + 5, 10 * x : 10 * x + 5] = value or at + 1
    return labels


@pytest.mark.parametrize(
    ("labels", "kind", "values", "is_sure"),
    [
        (blobs(27), "object", 27, True),
        (blobs(5), "object", 5, False),
        (blobs(27, value=1), "semantic", 1, True),
        (blobs(1), "semantic", 1, False),
        (blobs(3), "semantic", 3, False),
        (blobs(2, value=70_000), "object", 1, True),
        # A ground of -1 is no value, and does not join what it surrounds.
        (np.where(blobs(27) > 0, blobs(27), -1), "object", 27, True),
    ],
)
def test_few_pieces_of_many_values_are_objects(
    labels: np.ndarray, kind: str, values: int, is_sure: bool
) -> None:
    guess = guess_kind(labels)
    assert guess is not None
    assert (guess.kind, guess.values, guess.is_sure) == (kind, values, is_sure)


def test_nothing_is_told_of_no_labels() -> None:
    assert guess_kind(np.zeros((4, 4), np.uint8)) is None
    assert guess_kind(np.full((4, 4), -1)) is None
