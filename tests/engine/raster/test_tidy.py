import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import morphology

from napari_edgeflow.engine.interaction.prompts import Brush
from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.engine.raster.tidy import TidySettings, tidied

SHAPE = (40, 50)
MASKS = arrays(bool, SHAPE, elements=st.booleans(), fill=st.just(False))


def tidy(mask: np.ndarray, **changes: object) -> np.ndarray:
    """Return the mask as it comes out, over the whole image."""
    settings = TidySettings(**changes)  # type: ignore[arg-type]
    full = Window(0, 0, *mask.shape)
    tight = MaskPart(full, mask).tight()
    part = None if tight is None else tidied(tight, settings, mask.shape)
    return np.zeros_like(mask) if part is None else part.over(full).mask


def blobs(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).random(SHAPE)
    return morphology.isotropic_dilation(noise > 0.98, 3)


@given(MASKS)
def test_nothing_is_done_by_default(mask: np.ndarray) -> None:
    np.testing.assert_array_equal(tidy(mask), mask)


@pytest.mark.parametrize("seed", range(4))
def test_each_step_agrees_with_scikit_image(seed: int) -> None:
    mask = blobs(seed)
    for pixels in (1, 4):
        np.testing.assert_array_equal(
            tidy(mask, grow=pixels), morphology.isotropic_dilation(mask, pixels)
        )
    labels, sizes = morphology.label(mask, return_num=False), []
    sizes = np.bincount(labels.ravel())[1:]
    largest = labels == 1 + sizes.argmax()
    np.testing.assert_array_equal(tidy(mask, largest=True), largest)
    kept = np.isin(labels, 1 + np.flatnonzero(sizes >= 40))
    np.testing.assert_array_equal(tidy(mask, min_area=40), kept)


def test_holes_are_filled_but_bays_are_not() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[5:30, 5:40] = True
    mask[10:15, 10:15] = False
    bay = mask.copy()
    bay[20:25, 30:40] = False
    expected = bay.copy()
    expected[10:15, 10:15] = True
    np.testing.assert_array_equal(tidy(bay, fill_holes=True), expected)


def test_what_touches_the_border_goes_on_beyond_it() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[:20, :25] = True
    shrunk = tidy(mask, grow=-3)
    assert shrunk[0, 0]
    assert shrunk[16, 21]
    assert not shrunk[17, 10]
    assert tidy(mask, smooth=3)[0, 0]
    assert tidy(mask, grow=3)[22, 0]


def test_smoothing_takes_a_spike_away_and_keeps_the_size() -> None:
    mask = np.zeros((80, 80), bool)
    mask[20:60, 20:60] = True
    spiky = mask.copy()
    spiky[5:20, 40] = True
    smooth = tidy(spiky, smooth=3)
    assert not smooth[:15].any()
    assert abs(int(smooth.sum()) - int(mask.sum())) < 0.03 * mask.sum()


@pytest.mark.parametrize("changes", [{"smooth": 3}, {"grow": 5}, {"grow": -4}])
def test_tiles_do_not_show(
    changes: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(1).random((150, 170))
    mask = morphology.isotropic_dilation(noise > 0.997, 9)
    whole = tidy(mask, **changes)
    monkeypatch.setattr("napari_edgeflow.engine.raster.tidy._TILE", 16)
    np.testing.assert_array_equal(tidy(mask, **changes), whole)


def test_masks_that_vanish() -> None:
    mask = np.zeros(SHAPE, bool)
    assert not tidy(mask, fill_holes=True, grow=3).any()
    mask[5:8, 5:8] = True
    assert not tidy(mask, grow=-4).any()
    assert not tidy(mask, min_area=10, largest=True).any()
    with pytest.raises(ValueError, match="use 0 or more"):
        TidySettings(smooth=-1)


def test_what_was_brushed_stays_as_it_was_brushed(bright: object) -> None:
    segmenter = ClickSegmenter(bright)  # type: ignore[arg-type]
    image = np.zeros((64, 64), np.uint8)
    image[16:40, 16:40] = 255
    segmenter.set_image(image)
    dab = np.ones((6, 6), bool)
    inside = Brush(Window(50, 50, 56, 56), dab, ~dab)
    outside = Brush(Window(20, 20, 26, 26), ~dab, dab)
    segmenter.add_click((30, 30))
    segmenter.set_prompts([*segmenter.prompts, inside, outside])
    settings = TidySettings(largest=True, fill_holes=True, grow=2)
    part = segmenter.cut_out(tidy=settings)
    assert part is not None
    mask = part.over(Window(0, 0, 64, 64)).mask
    assert mask[50:56, 50:56].all()
    assert not mask[20:26, 20:26].any()
    assert mask[15, 30], "it did not grow"
