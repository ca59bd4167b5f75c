from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_edgeflow.engine.evaluation.replay import RecordedObject, replay_clicks
from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.raster.image import Window


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[10:30, 10:40] = picture[40:55, 50:75] = 250
    labels = np.zeros((60, 80), np.uint16)
    labels[10:30, 10:40], labels[40:55, 50:75] = 300, 7
    Image.fromarray(picture).save(tmp_path / "a.png")
    Image.fromarray(labels).save(tmp_path / "labels.png")
    return tmp_path / "a.png", tmp_path / "labels.png"


def test_clicks_are_given_again(files: tuple[Path, Path], bright: Any) -> None:
    segmenter = ClickSegmenter(bright)
    clicks = Click(20, 25), Click(47, 60, positive=False)
    first = RecordedObject(*files, 300, "cat", clicks, Window(0, 0, 40, 50), 4.0)
    second = RecordedObject(*files, 7, "dog", clicks[1:], None, 1.0)
    one, other = replay_clicks(segmenter, [first, second])
    assert one.recorded is first
    assert one.recorded.name == "a.png:300"
    assert (len(one.ious), len(one.milliseconds)) == (2, 2)
    assert all(0 <= value <= 1 for value in one.ious)
    # The same clicks by hand, seen through the same window.
    by_hand = ClickSegmenter(bright)
    by_hand.set_image(np.asarray(Image.open(files[0])))
    by_hand.set_view(Window(0, 0, 40, 50))
    mask = by_hand.set_clicks(clicks).mask()
    truth = np.asarray(Image.open(files[1])) == 300
    expected = (mask & truth).sum() / (mask | truth).sum()
    assert one.ious[-1] == pytest.approx(expected)
    assert len(other.ious) == 1


def test_an_object_that_is_gone_is_named(files: tuple[Path, Path], bright: Any) -> None:
    gone = RecordedObject(*files, 5, "cat", (Click(1, 1),))
    with pytest.raises(ValueError, match=r"labels\.png has no object 5"):
        list(replay_clicks(ClickSegmenter(bright), [gone]))
