from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.extra.numpy import arrays
from PIL import Image

from napari_edgeflow.engine.classes import voc_palette
from napari_edgeflow.formats.voc import write_palette_png


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(labels=arrays(np.uint8, (5, 7)))
def test_indices_and_palette_come_back(tmp_path: Path, labels: np.ndarray) -> None:
    path = tmp_path / "mask.png"
    write_palette_png(path, labels, voc_palette())
    with Image.open(path) as image:
        assert image.mode == "P"
        assert np.array_equal(np.asarray(image), labels)
        rgb = np.asarray(image.convert("RGB"))
    assert np.array_equal(rgb, voc_palette()[labels])


@pytest.mark.parametrize("value", [-1, 256])
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, value: int) -> None:
    path = tmp_path / "mask.png"
    path.write_text("kept")
    with pytest.raises(ValueError, match=f"{value}.*save as TIFF"):
        write_palette_png(path, np.array([[0, value]]).clip(None, 256), voc_palette())
    assert path.read_text() == "kept"
    assert list(tmp_path.iterdir()) == [path]


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"mask\.jpg must end in \.png"):
        write_palette_png(tmp_path / "mask.jpg", np.zeros((1, 1), int), voc_palette())
