import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco_mask

from napari_edgeflow.formats.kinds.coco.run_lengths import (
    compress,
    expand,
    from_run_lengths,
    run_lengths,
)


@given(mask=arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_run_lengths_are_those_of_cocos_own_code(mask: np.ndarray) -> None:
    theirs = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    lengths = run_lengths(mask)
    assert compress(lengths) == theirs["counts"].decode()
    assert expand(theirs["counts"].decode()) == lengths
    assert np.array_equal(from_run_lengths(lengths, mask.shape), mask)


@given(
    mask=arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=8)),
    margins=st.tuples(*(st.integers(0, 2),) * 4),
)
def test_windows_have_the_run_lengths_of_the_image(
    mask: np.ndarray, margins: tuple[int, int, int, int]
) -> None:
    top, bottom, left, right = margins
    image = np.pad(mask, ((top, bottom), (left, right)))
    assert run_lengths(mask, image.shape, (top, left)) == run_lengths(image)


@given(lengths=st.lists(st.integers(0, 2**40)))
def test_any_run_lengths_come_back(lengths: list[int]) -> None:
    assert expand(compress(lengths)) == lengths


@pytest.mark.parametrize(
    ("text", "message"), [("\n", "damaged"), ("p", "damaged"), ("o", "cut off")]
)
def test_damaged_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expand(text)


@pytest.mark.parametrize("lengths", [[], [5], [-1, 7], [3, 4], [[6]]])
def test_lengths_must_fill_the_image(lengths: list) -> None:
    with pytest.raises(ValueError, match="do not add up to 6 pixels"):
        from_run_lengths(lengths, (2, 3))
