import numpy as np

from napari_edgeflow.engine.augmentation import relit


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
