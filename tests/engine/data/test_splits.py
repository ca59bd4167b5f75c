import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_edgeflow.engine.data.splits import grid, split_off

PRESENCE = st.tuples(st.integers(1, 30), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.bool_, shape)
)


@given(
    presence=PRESENCE,
    share=st.floats(0.01, 0.5),
    seed=st.integers(0, 2**32 - 1),
    most=st.none() | st.integers(1, 5),
)
def test_both_sides_have_labels_and_nothing_is_on_both(
    presence: np.ndarray, share: float, seed: int, most: int | None
) -> None:
    usable = presence.any(1)
    assume(usable.sum() >= 2)
    parts = split_off(presence, share, seed, most)
    assert parts == split_off(presence, share, seed, most)
    assert sorted(parts.training + parts.validation) == list(range(len(presence)))
    assert usable[list(parts.validation)].all()
    assert usable[list(parts.training)].any()
    wanted = max(round(share * usable.sum()), 1)
    assert 1 <= len(parts.validation) <= min(wanted, most or wanted)
    kept = presence[list(parts.training)].any(0)
    missing = presence.any(0) & ~kept
    assert parts.lost == tuple(np.flatnonzero(missing))
    # A class is lost only if every single item has one to itself.
    if parts.lost:
        assert len(parts.validation) == 1
        alone = presence.sum(0) == 1
        assert (presence[usable] & alone).any(1).all()


def test_as_many_as_asked_for_where_classes_allow_it() -> None:
    presence = np.ones((40, 3), bool)
    assert len(split_off(presence, 0.2, 0).validation) == 8
    assert len(split_off(presence, 0.2, 0, most=3).validation) == 3
    assert (
        split_off(presence, 0.2, 0).validation != split_off(presence, 0.2, 1).validation
    )


def test_a_class_of_a_single_item_is_trained_on() -> None:
    presence = np.array([[1, 0], [1, 0], [1, 1], [1, 0]], bool)
    for seed in range(10):
        assert 2 in split_off(presence, 0.5, seed).training


def test_items_without_labels_are_not_validated_on() -> None:
    presence = np.zeros((9, 2), bool)
    presence[[3, 7]] = True
    for seed in range(10):
        assert split_off(presence, 0.9, seed).validation in ((3,), (7,))


def test_too_little_is_told() -> None:
    with pytest.raises(ValueError, match="1 of 3 parts of the images have labels"):
        split_off(np.array([[1], [0], [0]], bool), 0.2, 0)
    for share in (0, 1):
        with pytest.raises(ValueError, match=f"share {share} to hold back"):
            split_off(np.ones((3, 1), bool), share, 0)


@given(shape=st.tuples(st.integers(1, 40), st.integers(1, 40)), side=st.integers(1, 16))
def test_blocks_cover_an_image_once(shape: tuple[int, int], side: int) -> None:
    count = np.zeros(shape, int)
    blocks = grid(shape, side)
    for window in blocks:
        assert window.height > 0
        assert window.width > 0
        count[window.slices] += 1
    assert (count == 1).all()
    assert len(blocks) == min(side, shape[0]) * min(side, shape[1])
