from dataclasses import replace

import numpy as np
import pytest

from napari_edgeflow.engine.interaction.clicks import Click, next_click
from napari_edgeflow.engine.interaction.guide import Guide
from napari_edgeflow.engine.interaction.prediction import Prediction
from napari_edgeflow.engine.interaction.prompts import Box, Prompt
from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.interaction.zoom import ZoomSettings
from napari_edgeflow.engine.raster.image import ImageReader, Window, resize_mask
from napari_edgeflow.engine.raster.metrics import iou
from napari_edgeflow.engine.training.clicks.episode import Episode
from napari_edgeflow.engine.training.clicks.samples import ClickSample

SHAPE = (160, 160)


class Guessing:
    """A network whose answers differ from look to look, but not from run to run."""

    device = "cpu"

    def __init__(self) -> None:
        self.seen: list[tuple[np.ndarray, np.ndarray]] = []

    def __call__(self, image: np.ndarray, maps: np.ndarray) -> np.ndarray:
        self.seen.append((image, maps))
        noise = np.random.default_rng(len(self.seen)).normal(0, 0.1, image.shape[:2])
        bright = image[..., 0] / 255 * 0.8 + 0.1
        return np.clip(bright + noise, 0, 1).astype(np.float32)


def sample(
    *prompts: Prompt, view: Window | None = None, before: Prediction | None = None
) -> ClickSample:
    truth = np.zeros(SHAPE, bool)
    truth[60:90, 50:85] = True
    image = np.full((*SHAPE, 3), 40, np.uint8)
    image[62:95, 48:80] = 220
    return ClickSample(image, truth, np.ones_like(truth), prompts, view, before)


def guide(zoom: ZoomSettings) -> Guide:
    return Guide(zoom, lambda _: (64, 64))


@pytest.mark.parametrize("view", [None, Window(30, 20, 130, 120)])
def test_training_looks_where_use_looks(view: Window | None) -> None:
    first = Click(75, 68)
    one = sample(first, view=view)
    used, learnt, zoom = Guessing(), Guessing(), ZoomSettings(side=64)
    segmenter = ClickSegmenter(used, zoom)
    segmenter.set_image(one.image)
    segmenter.set_view(view)
    segmenter.set_clicks([first])
    for _ in range(4):
        click = next_click(segmenter.mask(), one.truth, one.valid, segmenter.clicks)
        assert click is not None
        segmenter.set_clicks([*segmenter.clicks, click])

    # No window is so long that use would not make it square, as training does.
    episode, image = Episode(one, guide(zoom)), ImageReader(one.image)
    rng = np.random.default_rng(0)
    while len(learnt.seen) < len(used.seen):
        if episode.look is None:
            episode.correct(rng, careful=1.0)
        assert episode.look is not None
        look = episode.look
        episode.take(learnt(image.read(look.window, look.shape), look.maps()))
    assert episode.prompts == segmenter.clicks
    for (_, ours), (_, theirs) in zip(learnt.seen, used.seen, strict=True):
        assert np.array_equal(ours, theirs)
    assert episode.iou == pytest.approx(iou(segmenter.mask(), one.truth))


def test_a_box_and_a_wrong_mask_are_starts_too() -> None:
    box = Episode(sample(Box(Window(60, 50, 90, 85))), guide(ZoomSettings()))
    assert box.look is not None
    # The ellipse in the box, and clicks in its middle and beside its corners.
    maps = box.look.maps()
    assert all(part.any() for part in maps)
    box.take(np.zeros((64, 64), np.float32))
    assert box.look is None
    assert box.iou == 0

    wrong = np.zeros(SHAPE, bool)
    wrong[60:90, 50:70] = True
    told = sample(Click(75, 80), before=Prediction.of_mask(wrong))
    mended = Episode(told, guide(ZoomSettings()))
    assert mended.look is not None
    assert mended.look.window == ZoomSettings().window_around(
        Window(60, 50, 90, 81), SHAPE
    )
    assert mended.look.maps()[2].any()


def test_what_is_right_is_not_clicked_on() -> None:
    one = sample(Click(75, 68))
    episode = Episode(one, guide(ZoomSettings()))
    whole = Window(0, 0, *SHAPE)
    episode.look = replace(episode.look, window=whole, shape=SHAPE)  # type: ignore[type-var]
    episode.take(one.truth.astype(np.float32))
    assert episode.iou == 1
    near = episode.look
    assert near is not None
    scores = resize_mask(one.truth, near.window, near.shape)
    episode.take(scores.astype(np.float32))
    assert episode.look is None
    with pytest.raises(ValueError, match="no look"):
        episode.take(scores.astype(np.float32))


def test_hasty_clicks_go_anywhere_into_an_error() -> None:
    one, places = sample(Click(75, 68)), set()
    for seed in range(12):
        episode = Episode(one, guide(ZoomSettings()))
        while episode.look is not None:
            episode.take(np.zeros((64, 64), np.float32))
        episode.correct(np.random.default_rng(seed), careful=0.0)
        click = episode.prompts[-1]
        assert isinstance(click, Click)
        assert one.truth[int(click.y), int(click.x)]
        places.add(click)
    assert len(places) > 6
