import numpy as np
import torch

from napari_edgeflow.engine.data.augmentation import (
    GREY,
    exposed_again,
    noisy,
    relit,
    tilted,
)
from napari_edgeflow.engine.data.pairs import VOID


def test_light_changes_and_order_stays() -> None:
    ramp = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    means = []
    for seed in range(20):
        changed = relit(ramp, np.random.default_rng(seed))
        assert changed.dtype == np.uint8
        assert np.all(np.diff(changed.reshape(-1, 3)[:, 0].astype(int)) >= 0)
        means.append(float(changed.mean()))
    assert min(means) < 80
    assert max(means) > 150


def test_grain_is_alike_in_all_channels_and_adds_no_light() -> None:
    grey = np.full((64, 64, 3), 100, np.uint8)
    for seed in range(5):
        grained = noisy(grey, np.random.default_rng(seed))
        assert grained.dtype == np.uint8
        assert np.ptp(grained, axis=2).max() == 0
        assert 1.5 < grained.std() < 22
        assert abs(grained.mean() - 100) < 1


def test_some_images_keep_their_light_and_others_do_not() -> None:
    ramp = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    rng = np.random.default_rng(0)
    results = [exposed_again(ramp, rng) for _ in range(60)]
    same = sum(np.array_equal(result, ramp) for result in results)
    assert 10 < same < 35


def test_a_crop_and_its_labels_are_tilted_alike() -> None:
    target = np.zeros((64, 64), np.uint8)
    target[24:40] = 1
    image = np.where(target[..., None] == 1, 255, 0).repeat(3, 2).astype(np.uint8)
    slopes = []
    for seed in range(20):
        torch.manual_seed(seed)
        turned, classes = tilted(image, target)
        assert (turned.shape, turned.dtype) == ((64, 64, 3), np.uint8)
        assert set(np.unique(classes)) <= {0, 1, VOID}
        # But for the edges, which are blended in the image alone.
        grey = turned[..., 0].astype(int)
        assert abs(grey[classes == 1].mean() - 255) < 20
        assert grey[classes == 0].mean() < 20
        assert np.all(abs(grey[classes == VOID] - GREY) < 130)
        rows = [np.flatnonzero(classes[:, x] == 1).mean() for x in (20, 43)]
        slopes.append(rows[1] - rows[0])
    assert 3 <= np.count_nonzero(slopes) <= 12
    assert min(slopes) < 0 < max(slopes)
    assert np.abs(slopes).max() < 5
