from typing import Any

import numpy as np
import pytest
from tests.widgets.dock_person import FakeModels, two_squares

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.tidy import TidySettings
from napari_edgeflow.widgets.clicks.object.in_progress import ObjectInProgress
from napari_edgeflow.widgets.clicks.object.work import ClickRequest, ClickWork
from napari_edgeflow.widgets.layers.planes import Plane, PlaneImage
from napari_edgeflow.widgets.qt.workers import UnusableModelError


@pytest.fixture
def image() -> PlaneImage:
    return PlaneImage(two_squares(), Plane((None, None)), True, (0.0, 255.0))


def ask(
    work: ClickWork,
    image: PlaneImage,
    *clicks: Click,
    model: str = "good",
    threshold: float = 0.5,
    view: Window | None = None,
) -> Any:
    clicked = ObjectInProgress.begun(image, 1, view).edited(clicks)
    wanted = clicked if clicks else None
    return work(ClickRequest(model, threshold, TidySettings(), image, wanted))


def test_the_mask_comes_cut_out(models: FakeModels, image: PlaneImage) -> None:
    outcome = ask(ClickWork(models), image, Click(40, 55))
    assert outcome.device == "cpu"
    assert outcome.milliseconds > 0
    window, mask = outcome.part.window, outcome.part.mask
    assert abs(window.top - 20) <= 1
    assert abs(window.right - 80) <= 1
    assert mask.shape == (window.height, window.width)
    assert mask.mean() > 0.9
    assert mask.base is None, "a view would keep the whole window in memory"


def test_model_and_image_are_kept(models: FakeModels, image: PlaneImage) -> None:
    work = ClickWork(models)
    ask(work, image)
    assert models.network.calls == 0
    ask(work, image, Click(40, 55))
    calls = models.network.calls
    ask(work, image, Click(40, 55), Click(90, 115))
    ask(work, image, Click(40, 55))
    ask(work, image, Click(40, 55), Click(90, 115), threshold=0.7)
    assert models.network.calls == calls + 1
    assert models.loaded == ["good"]
    ask(work, image, model="other")
    assert models.loaded == ["good", "other"]


def test_an_empty_mask_has_no_window(models: FakeModels, image: PlaneImage) -> None:
    outcome = ask(ClickWork(models), image, Click(40, 55, False))
    assert outcome.part is None


def test_a_model_that_cannot_be_loaded(models: FakeModels, image: PlaneImage) -> None:
    work = ClickWork(models)
    ask(work, image)
    with pytest.raises(UnusableModelError, match="choose another"):
        ask(work, image, model="broken")
    ask(work, image, Click(40, 55))
    assert models.loaded == ["good"]


def test_an_image_that_cannot_be_read_is_tried_again(
    models: FakeModels, image: PlaneImage
) -> None:
    class Failing:
        shape, dtype, broken = (120, 160, 3), np.dtype(np.uint8), True

        def __getitem__(self, key: Any) -> Any:
            if self.broken:
                raise OSError("the disk is gone")
            return two_squares()[key]

    source = Failing()
    failing = PlaneImage(source, Plane((None, None)), True, (0.0, 255.0))
    work = ClickWork(models)
    with pytest.raises(OSError, match="disk"):
        ask(work, failing, Click(40, 55))
    source.broken = False
    assert ask(work, failing, Click(40, 55)).part is not None


def test_the_first_click_looks_at_the_view(
    models: FakeModels, image: PlaneImage
) -> None:
    outcome = ask(ClickWork(models), image, Click(40, 55), view=Window(30, 45, 50, 65))
    assert outcome.part is not None
    assert outcome.part.window.bottom < 70
