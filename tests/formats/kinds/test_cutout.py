from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from tests.formats.annotation_samples import CAT, TABLE, ring_and_parts

from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.kinds.cutout import (
    cutout,
    overlay,
    smooth_alpha,
    write_picture,
)

PHOTO = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)


@given(mask=arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_the_mask_can_be_had_back(mask: np.ndarray) -> None:
    assert np.array_equal(smooth_alpha(mask) >= 128, mask)


def test_the_edge_fades_and_the_rest_is_as_it_was(tmp_path: Path) -> None:
    mask = np.zeros((40, 50), bool)
    mask[10:30, 0:30] = True
    result = cutout(PHOTO, mask)
    assert np.array_equal(result[15:25, :25, :3], PHOTO[15:25, :25])
    assert (result[15:25, :25, 3] == 255).all()
    assert not result[:5].any()
    across = result[20, 26:34, 3].astype(int)
    assert (np.diff(across) <= 0).all()
    assert 3 <= len(np.unique(across)) <= 6
    write_picture(tmp_path / "größe" / "a.png", result)
    with Image.open(tmp_path / "größe" / "a.png") as image:
        assert image.mode == "RGBA"
        assert np.array_equal(np.asarray(image), result)


def test_a_colour_is_put_behind() -> None:
    mask = np.zeros((40, 50), bool)
    mask[10:30, 10:30] = True
    result = cutout(PHOTO[..., 0], mask, (0, 200, 0))
    assert (result[..., 3] == 255).all()
    assert (result[:5, :5, :3] == (0, 200, 0)).all()
    inside = result[15:25, 15:25, :3]
    assert (inside == PHOTO[15:25, 15:25, :1]).all()


def test_classes_lie_over_the_image_in_their_colours() -> None:
    grey = np.full((40, 50), 100, np.uint8)
    result = overlay(grey, ring_and_parts(), 0.5)
    assert result.dtype == np.uint8
    assert (result[22, 45] == 100).all()
    assert (result[30, 40] == (200, 0, 50)).all()
    assert (result[30, 45] == (150, 50, 75)).all()
    assert (result[39, 0] == CAT.colour).all()
    nothing = overlay(grey, replace(ring_and_parts(), objects=()), 1)
    assert (nothing == 100).all()


def test_other_sizes_are_refused() -> None:
    mask = np.ones((3, 4), bool)
    with pytest.raises(ValueError, match="need the same height and width"):
        cutout(PHOTO, mask)
    with pytest.raises(ValueError, match="need the same height and width"):
        overlay(PHOTO, ImageAnnotation("a", 3, 4, TABLE))
    with pytest.raises(ValueError, match=r"opacity 1\.5: use 0 to 1"):
        overlay(PHOTO, ring_and_parts(), 1.5)
