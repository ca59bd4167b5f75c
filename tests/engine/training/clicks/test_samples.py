from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from napari_edgeflow.engine.data.pairs import LabelledImage, folder_pairs
from napari_edgeflow.engine.interaction.prompts import Box, Stroke, clicks_of
from napari_edgeflow.engine.training.clicks.samples import (
    MOST_SIDE,
    ClickSample,
    ClickSamples,
    ClickSource,
    SampleSettings,
    augment,
    counting,
    cut_out,
    draw_object,
    draw_sample,
    draw_view,
)


def source(folder: Path, **settings: object) -> ClickSource:
    pairs = folder_pairs(folder / "images", folder / "labels")
    return ClickSource(pairs, **settings)  # type: ignore[arg-type]


def test_sources_check_their_settings(labelled_folder: Path) -> None:
    with pytest.raises(ValueError, match="empty"):
        ClickSource(())
    with pytest.raises(ValueError, match="unknown kind 'panoptic'"):
        source(labelled_folder, kind="panoptic")
    with pytest.raises(ValueError, match="weight 0"):
        source(labelled_folder, weight=0)


def test_objects_are_instances_components_or_the_whole(labelled_folder: Path) -> None:
    labels = np.zeros((60, 60), np.uint8)
    labels[5:25, 5:25] = labels[35:55, 35:55] = 3
    labels[5:25, 35:55] = 7
    labels[30] = 255
    rng = np.random.default_rng(0)
    sizes = {
        kind: {
            int(draw_object(labels, source(labelled_folder, **settings), rng).sum())  # type: ignore[union-attr]
            for _ in range(30)
        }
        for kind, settings in {
            "object": {"kind": "object"},
            "semantic": {"kind": "semantic"},
            "whole": {"kind": "semantic", "whole": 1.0},
        }.items()
    }
    assert sizes["semantic"] == {400}
    assert sizes["whole"] == {1200}
    assert {400, 800} <= sizes["object"]
    nothing = np.zeros((60, 60), np.uint8)
    assert draw_object(nothing, source(labelled_folder), rng) is None


def test_windows_hold_the_object_and_stay_inside() -> None:
    truth = np.zeros((90, 120), bool)
    truth[20:50, 70:110] = True
    rng = np.random.default_rng(0)
    for _ in range(100):
        window = draw_view(truth, SampleSettings(zoom=1.0), rng)
        assert 0 <= window.top < window.bottom <= 90
        assert 0 <= window.left < window.right <= 120
        assert truth[window.slices].sum() >= 0.85 * truth.sum()


def test_samples_are_consistent_and_reproducible(labelled_folder: Path) -> None:
    stream = ClickSamples(
        [source(labelled_folder, kind="semantic"), source(labelled_folder)],
        SampleSettings(size=64, from_mask=0.2, from_box=0.2, from_stroke=0.2),
        seed=3,
    )
    samples = list(islice(stream, 60))
    boxes = masks = strokes = 0
    for sample in samples:
        shape = sample.truth.shape
        assert sample.image.shape == (*shape, 3)
        assert sample.valid.shape == shape
        (prompt,) = sample.prompts
        if isinstance(prompt, Box):
            boxes += 1
            inside = sample.truth[prompt.window.slices].sum()
            assert inside > 0.7 * sample.truth.sum()
            continue
        strokes += isinstance(prompt, Stroke)
        clicks = clicks_of([prompt])
        assert (len(clicks) > 1) == isinstance(prompt, Stroke)
        for click in clicks:
            assert sample.truth[int(click.y), int(click.x)] == click.positive
        if sample.before is None:
            assert all(click.positive for click in clicks)
            assert sample.view is not None
            assert sample.truth[sample.view.slices].any()
        else:
            masks += 1
            wrong = sample.before.mask() != sample.truth
            assert wrong[int(clicks[0].y), int(clicks[0].x)]
    assert boxes > 3
    assert masks > 3
    assert strokes > 3
    again = list(islice(stream, 60))
    for first, second in zip(samples, again, strict=True):
        assert np.array_equal(first.image, second.image)
        assert first.prompts == second.prompts


@pytest.mark.parametrize("side", [30, 1200])
def test_of_large_images_a_part_is_kept(side: int) -> None:
    image = np.zeros((1500, 2600, 3), np.uint8)
    truth = np.zeros(image.shape[:2], bool)
    truth[100 : 100 + side, 2000 - side : 2000] = True
    image[truth] = 255
    valid = np.ones_like(truth)
    sample = cut_out(image, truth, valid, np.random.default_rng(0))
    assert max(sample.truth.shape) <= MOST_SIDE
    assert sample.valid.all()
    assert np.array_equal(sample.truth, sample.image[..., 0] >= 128)
    scale = 1 if side < 1000 else MOST_SIDE / (2 * side)
    assert sample.truth.sum() == pytest.approx((side * scale) ** 2, rel=0.02)
    small = image[:900, 1900:2100], truth[:900, 1900:2100], valid[:900, 1900:2100]
    assert cut_out(*small, np.random.default_rng(0)).image is small[0]


def test_images_without_objects_are_told(tmp_path: Path) -> None:
    pair = LabelledImage(tmp_path / "0.png", tmp_path / "1.png")
    for path in (pair.image, pair.labels):
        Image.fromarray(np.zeros((40, 40), np.uint8)).save(path)
    with pytest.raises(ValueError, match=r"no objects found in the labels .*1\.png"):
        next(iter(ClickSamples([ClickSource((pair,))])))


def test_pixels_of_0_may_not_count_beside_classes(labelled_folder: Path) -> None:
    labels = np.array([[0, 0, 1], [2, 255, 1]], np.uint8)
    for settings, expected in (
        ({"kind": "object", "unlabelled": True}, [1, 1, 1, 1, 1, 1]),
        ({"kind": "semantic"}, [1, 1, 1, 1, 0, 1]),
        ({"kind": "semantic", "unlabelled": True}, [0, 0, 1, 1, 0, 1]),
    ):
        counts = counting(labels, source(labelled_folder, **settings))
        assert counts.ravel().tolist() == expected


def test_an_object_without_anything_around_it_teaches_nothing(
    labelled_folder: Path,
) -> None:
    image = np.zeros((80, 80, 3), np.uint8)
    labels = np.zeros((80, 80), np.uint8)
    labels[20:60, 20:60] = 1
    partly = source(labelled_folder, kind="semantic", unlabelled=True)
    alone = SampleSettings(size=64, zoom=0.0)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        assert draw_sample(partly, alone, rng, lambda _: (image, labels)) is None
    labels[:10] = 2
    found = [
        draw_sample(partly, alone, np.random.default_rng(s), lambda _: (image, labels))
        for s in range(20)
    ]
    samples = [sample for sample in found if sample is not None]
    assert samples
    for sample in samples:
        assert not sample.valid.all()
        clicks = clicks_of(sample.prompts)
        assert all(sample.valid[int(c.y), int(c.x)] for c in clicks)


@pytest.mark.parametrize(
    ("microscopy", "relit"), [(False, True), (True, True), (True, False)]
)
def test_images_of_a_microscope_are_turned_and_lit_in_all_ways(
    microscopy: bool, relit: bool
) -> None:
    # Colours are drawn from torch's generator, which other tests have used.
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    truth = np.zeros((32, 32), bool)
    truth[:8, :16] = True
    image = np.where(truth[..., None], 200, 60).repeat(3, 2).astype(np.uint8)
    sample = ClickSample(image, truth, np.ones_like(truth))
    settings = SampleSettings(microscopy=microscopy, relit=relit)
    results = [augment(sample, rng, settings) for _ in range(200)]
    for result in results:
        inside = result.image[result.truth].mean() - result.image[~result.truth].mean()
        assert result.truth.sum() == truth.sum()
        assert abs(inside) > 5
    upright = np.mean([result.truth[0].any() for result in results])
    dark = np.mean([result.image.max() < 110 for result in results])
    assert (upright < 0.7) == microscopy
    assert (dark > 0.05) == (microscopy and relit)
