from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.colour_network import patches
from tests.engine.labelled import save_pairs

from napari_edgeflow.engine.data.pairs import VOID
from napari_edgeflow.engine.data.pixels import read_label_image
from napari_edgeflow.engine.training.semantic.holdout import Holdout, hold_back
from napari_edgeflow.engine.training.semantic.source import SemanticSource

IDS = (0, 1, 2, 3)


def held(folder: Path, labels: list[np.ndarray], **how: float) -> Holdout:
    source = SemanticSource(save_pairs(folder, labels), IDS)
    arguments = {"share": 0.25, "seed": 0, **how}
    return hold_back(source, source.presence(), **arguments)  # type: ignore[arg-type]


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(count=st.integers(1, 6), seed=st.integers(0, 99), side=st.integers(2, 9))
def test_no_pixel_is_trained_on_and_validated_on(
    count: int, seed: int, side: int, tmp_path: Path
) -> None:
    labels = [patches((17, 23), side, seed + i) for i in range(count)]
    found = held(tmp_path, labels, seed=seed)
    validated = {item.pair: np.zeros((17, 23), bool) for item in found.validation}
    assert validated
    for item in found.validation:
        for window in item.windows:
            validated[item.pair][window.slices] = True
        if not item.windows:
            validated[item.pair][:] = True
    for number, pair in enumerate(found.source.pairs):
        counted = found.source.read_target(number) != VOID
        assert not (counted & validated.get(pair, np.False_)).any()
    assert found.presence.tolist() == found.source.presence().tolist()
    assert found.presence.any()
    total = sum(mask.sum() for mask in validated.values())
    assert total > 0
    labelled = [read_label_image(item.pair.labels) for item in found.validation]
    assert all(one.size for one in labelled)


def test_images_are_held_back_where_there_are_several(tmp_path: Path) -> None:
    found = held(tmp_path, [patches((20, 20), seed=i) for i in range(8)])
    assert (len(found.source.pairs), len(found.validation)) == (6, 2)
    assert not found.source.held_back
    assert found.describe() == "training on 6 images, validation on 2"
    assert not {item.pair for item in found.validation} & set(found.source.pairs)


@pytest.mark.parametrize("count", [1, 2])
def test_blocks_are_held_back_of_one_or_two_images(count: int, tmp_path: Path) -> None:
    found = held(tmp_path, [patches((40, 40), 4, i) for i in range(count)])
    blocks = sum(len(item.windows) for item in found.validation)
    assert blocks == 4 * count
    assert len(found.source.pairs) == count
    told = f"{blocks} blocks of the images are held back for validation"
    assert found.describe() == told


def test_blocks_are_held_back_where_an_image_has_a_class_of_its_own(
    tmp_path: Path,
) -> None:
    labels = [np.zeros((32, 32), np.uint8) for _ in range(3)]
    for number, one in enumerate(labels, 1):
        one[:, 8:24] = number
    found = held(tmp_path, labels)
    assert found.presence.any(0).all()
    assert all(item.windows for item in found.validation)


def test_blocks_become_smaller_until_no_class_is_lost(tmp_path: Path) -> None:
    labels = np.full((64, 64), VOID, np.uint8)
    # Both classes lie in one corner: one block of four by four.
    labels[:8, :16], labels[8:16, :16] = 1, 2
    found = held(tmp_path, [labels])
    assert found.presence.tolist() == [[False, True, True, False]]
    windows = found.validation[0].windows
    assert windows
    assert all(window.height <= 8 for window in windows)


@pytest.mark.parametrize("count", [1, 4])
def test_labels_of_the_same_image_are_held_back_together(
    count: int, tmp_path: Path
) -> None:
    labels = [patches((40, 40), 4, i) for i in range(count)]
    both = *save_pairs(tmp_path / "a", labels), *save_pairs(tmp_path / "b", labels)
    source = SemanticSource(both, IDS)
    for seed in range(4):
        found = hold_back(source, source.presence(), 0.25, seed)
        windows = {item.pair: item.windows for item in found.validation}
        for number in range(count):
            once, again = both[number], both[number + count]
            assert windows.get(once) == windows.get(again)
        kept = [pair for pair in both if windows.get(pair) != ()]
        assert list(found.source.pairs) == kept
        assert found.presence.tolist() == found.source.presence().tolist()


def test_too_few_labels_are_told(tmp_path: Path) -> None:
    labels = np.full((64, 64), VOID, np.uint8)
    labels[0, :2] = 0, 1
    with pytest.raises(ValueError, match="too close together"):
        held(tmp_path, [labels])
    assert held(tmp_path, [labels], share=0).validation == ()
