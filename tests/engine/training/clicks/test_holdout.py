from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_edgeflow.engine.data.pairs import VOID, LabelledImage
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.training.clicks.holdout import (
    ClickHoldout,
    hold_back_objects,
)
from napari_edgeflow.engine.training.clicks.samples import (
    ClickSource,
    SampleSettings,
    draw_sample,
    is_held_back,
)


def source(folder: Path, count: int, kind: str = "object") -> ClickSource:
    """Images with four squares each, at the corners; the last two of one class."""
    pairs = []
    for number in range(count):
        labels = np.zeros((80, 80), np.uint8)
        for value, (top, left) in enumerate([(4, 4), (4, 60), (60, 4), (60, 60)], 1):
            labels[top : top + 14, left : left + 14] = (
                min(value, 3) if kind[0] == "s" else value
            )
        labels[40, 40] = 9
        labels[79] = VOID if kind == "semantic" else 0
        pair = LabelledImage(folder / f"{number}.jpg", folder / f"{number}.png")
        Image.fromarray(labels * 20 + number).convert("RGB").save(pair.image)
        Image.fromarray(labels).save(pair.labels)
        pairs.append(pair)
    return ClickSource(tuple(pairs), kind)  # type: ignore[arg-type]


def test_objects_of_whole_images_are_held_back(tmp_path: Path) -> None:
    everything = source(tmp_path, 5)
    holdout = hold_back_objects([everything], 0.4, 0)
    (kept,) = holdout.sources
    held = {target.image for target in holdout.targets}
    assert (len(kept.pairs), len(held)) == (3, 2)
    assert not held & {pair.image for pair in kept.pairs}
    # The speck is too small to be an object.
    assert [int(t.truth.sum()) for t in holdout.targets] == [196] * 8
    assert holdout.describe() == (
        "held back for validation: 8 of the objects, in 2 of the images"
    )
    again = hold_back_objects([everything], 0.4, 0)
    assert [t.name for t in again.targets] == [t.name for t in holdout.targets]
    assert hold_back_objects([everything], 0, 0).describe() is None


def test_of_one_image_objects_in_blocks_are_held_back(tmp_path: Path) -> None:
    holdout = hold_back_objects([source(tmp_path, 1)], 0.25, 0)
    (target,) = holdout.targets
    (kept,) = holdout.sources
    assert is_held_back(target.truth, kept.held_back[0])
    rng = np.random.default_rng(0)
    zoomed = SampleSettings(size=64, zoom=0)
    drawn = [draw_sample(kept, zoomed, rng) for _ in range(40)]
    freely = [draw_sample(replace(kept, held_back=()), zoomed, rng) for _ in range(40)]
    assert sum(s is None for s in drawn) > 2
    assert all(s is not None for s in freely)


def test_images_without_objects_are_no_images_to_hold_back(tmp_path: Path) -> None:
    everything = source(tmp_path, 5)
    for pair in everything.pairs[1:]:
        Image.fromarray(np.zeros((80, 80), np.uint8)).save(pair.labels)
    holdout = hold_back_objects([everything], 0.2, 0)
    (kept,) = holdout.sources
    assert {target.image for target in holdout.targets} == {everything.pairs[0].image}
    # Something of the only image with objects is left to learn from.
    rng = np.random.default_rng(0)
    settings = SampleSettings(size=64, zoom=0)
    only = replace(kept, pairs=kept.pairs[:1], held_back=kept.held_back[:1])
    assert any(draw_sample(only, settings, rng) for _ in range(20))


def test_there_is_an_image_with_objects_left_to_learn_from(tmp_path: Path) -> None:
    everything = source(tmp_path, 6)
    for pair in everything.pairs[3:]:
        Image.fromarray(np.zeros((80, 80), np.uint8)).save(pair.labels)
    holdout = hold_back_objects([everything], 0.5, 0)
    held = {target.image for target in holdout.targets}
    with_objects = {pair.image for pair in everything.pairs[:3]}
    (kept,) = holdout.sources
    assert held < with_objects
    assert {pair.image for pair in kept.pairs} & with_objects == with_objects - held


def test_an_image_is_held_back_in_all_sources(tmp_path: Path) -> None:
    everything = source(tmp_path, 5)
    copied = tmp_path / "copied.jpg"
    copied.write_bytes(everything.pairs[0].image.read_bytes())
    twin = replace(everything.pairs[0], image=copied)
    doubled = replace(everything, pairs=(*everything.pairs, twin))
    for seed in range(5):
        holdout = hold_back_objects([doubled, everything], 0.4, seed)
        held = {target.image.read_bytes() for target in holdout.targets}
        left = {p.image.read_bytes() for s in holdout.sources for p in s.pairs}
        assert held
        assert left
        assert not held & left


def test_one_image_twice_is_one_image(tmp_path: Path) -> None:
    (pair,) = source(tmp_path, 1).pairs
    holdout = hold_back_objects([ClickSource((pair, pair, pair))], 0.25, 0)
    (kept,) = holdout.sources
    assert len(kept.pairs) == 3
    assert len(holdout.targets) == 3
    assert all(
        is_held_back(target.truth, windows)
        for target in holdout.targets
        for windows in kept.held_back
    )


def test_objects_of_a_class_are_its_components(tmp_path: Path) -> None:
    holdout = hold_back_objects([source(tmp_path, 4, "semantic")], 0.25, 0)
    assert len(holdout.targets) == 4
    assert all(target.truth.sum() == 196 for target in holdout.targets)
    assert not holdout.targets[0].valid[79].any()
    assert holdout.targets[0].valid[:79].all()


def test_pixels_without_a_label_are_not_validated_on(tmp_path: Path) -> None:
    partly = replace(source(tmp_path, 4, "semantic"), unlabelled=True)
    for target in hold_back_objects([partly], 0.25, 0).targets:
        labels = np.asarray(Image.open(tmp_path / target.name.split(":")[0]))
        assert np.array_equal(target.valid, (labels > 0) & (labels < 255))


def test_too_few_objects_are_told(tmp_path: Path) -> None:
    everything = source(tmp_path, 1)
    labels = np.zeros((80, 80), np.uint8)
    labels[:20, :20] = 1
    Image.fromarray(labels).save(everything.pairs[0].labels)
    with pytest.raises(ValueError, match="too few objects of 60 pixels and more"):
        hold_back_objects([everything], 0.2, 0)


def test_an_object_belongs_where_its_centre_is() -> None:
    truth = np.zeros((20, 20), np.bool_)
    truth[4:10, 4:10] = True
    assert is_held_back(truth, [Window(0, 0, 7, 20)])
    assert not is_held_back(truth, [Window(7, 0, 20, 20)])
    assert not is_held_back(truth, [])
    assert ClickHoldout(()).describe() is None
