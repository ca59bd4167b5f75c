from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from napari_edgeflow import demo
from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.interaction.zoom import ZoomSettings
from napari_edgeflow.engine.raster.metrics import iou
from napari_edgeflow.samples import load_sample


class KnowingNetwork:
    """Answers with the truth for the whole image, or with nothing."""

    device = "cpu"

    def __init__(self, truth: NDArray[np.bool_], useful: bool) -> None:
        self._truth = Image.fromarray(truth.astype(np.uint8) * 255)
        self._useful = useful

    def __call__(
        self, image: NDArray[np.uint8], interaction: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        height, width = image.shape[:2]
        if not self._useful:
            return np.zeros((height, width), np.float32)
        scores = np.asarray(self._truth.resize((width, height)), np.float32) / 255
        scores[interaction[1] > 0] = 0
        return scores


@pytest.fixture
def viewers(make_napari_viewer: Callable[..., Any], monkeypatch: Any) -> None:
    """Have the demo's viewer checked for leaks like any other."""
    monkeypatch.setattr(
        demo.napari, "Viewer", lambda **_: make_napari_viewer(show=True)
    )


def loader(monkeypatch: pytest.MonkeyPatch, *, useful: bool) -> Any:
    _, labels = load_sample(demo.SAMPLE)
    truth = labels == demo.OBJECT
    whole = ZoomSettings(expansion=100.0)
    return lambda model: ClickSegmenter(KnowingNetwork(truth, useful), whole)


@pytest.mark.usefixtures("viewers")
def test_the_scripted_demo_leaves_picture_mask_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "made" / "for it"
    load = loader(monkeypatch, useful=True)
    assert demo.run_demo(folder, load) == 0
    line = capsys.readouterr().out.strip().splitlines()[-1]
    assert line.startswith(("clicks 2 · IoU 0.9", "clicks 2 · IoU 1.0"))
    assert line.endswith(str(folder / "mask.png"))
    with Image.open(folder / "screenshot.png") as picture:
        window = np.asarray(picture.convert("RGB")).astype(int)
    green, red = np.array([46, 204, 64]), np.array([255, 45, 45])
    for colour in (green, red):
        assert (np.abs(window - colour).max(-1) < 12).sum() > 20
    with Image.open(folder / "mask.png") as mask:
        assert mask.mode == "P"
        labels = np.asarray(mask)
        palette = mask.getpalette()
    assert set(np.unique(labels)) == {0, demo.CLASS_ID}
    assert palette[45:48] == [192, 128, 128]
    _, truth = load_sample(demo.SAMPLE)
    assert iou(labels > 0, truth == demo.OBJECT) > 0.9


@pytest.mark.usefixtures("viewers")
def test_the_scripted_demo_says_when_it_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = loader(monkeypatch, useful=False)
    assert demo.run_demo(tmp_path, load, most_clicks=2) == 1
    assert not (tmp_path / "mask.png").exists()


@pytest.mark.usefixtures("viewers")
def test_without_a_folder_the_window_is_the_persons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[bool] = []
    monkeypatch.setattr(demo.napari, "run", lambda: shown.append(True))
    assert demo.run_demo(None, loader(monkeypatch, useful=True)) == 0
    assert shown == [True]
