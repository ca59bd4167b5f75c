from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_edgeflow.engine.datasets import (
    ClickSamples,
    ClickSource,
    SampleSettings,
    draw_object,
    draw_window,
)
from napari_edgeflow.engine.pairs import (
    LabelledImage,
    folder_pairs,
    read_pair,
    voc_pairs,
)


def source(folder: Path, **settings: object) -> ClickSource:
    pairs = folder_pairs(folder / "images", folder / "labels")
    return ClickSource(pairs, **settings)  # type: ignore[arg-type]


def test_pairs_are_matched_by_stem(labelled_folder: Path) -> None:
    pairs = folder_pairs(labelled_folder / "images", labelled_folder / "labels")
    assert [(p.image.name, p.labels.name) for p in pairs] == [
        ("0.png", "0.png"),
        ("1.png", "1.png"),
    ]
    image, labels = read_pair(pairs[0])
    assert image.shape == (80, 100, 3)
    assert labels.shape == (80, 100)


def test_voc_lists_are_read(tmp_path: Path) -> None:
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nb\n")
    (tmp_path / "own.txt").write_text("c")
    assert [p.image.stem for p in voc_pairs(tmp_path, "train")] == ["a", "b"]
    assert [p.labels.name for p in voc_pairs(tmp_path, tmp_path / "own.txt")] == [
        "c.png"
    ]
    with pytest.raises(ValueError, match=r"no list .*val\.txt"):
        voc_pairs(tmp_path, "val")
    (lists / "val.txt").write_text("")
    with pytest.raises(ValueError, match="names no image"):
        voc_pairs(tmp_path, "val")


def test_folders_without_pairs_are_refused(labelled_folder: Path) -> None:
    empty = labelled_folder / "empty"
    with pytest.raises(ValueError, match="no folder"):
        folder_pairs(labelled_folder / "images", empty)
    empty.mkdir()
    with pytest.raises(ValueError, match="has the stem"):
        folder_pairs(labelled_folder / "images", empty)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((80, 99), np.uint8), "same height and width"),
        (np.zeros((80, 100, 3), np.uint8), "one channel"),
        (np.zeros((80, 100), np.float32), "whole numbers"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    labelled_folder: Path, labels: np.ndarray, message: str
) -> None:
    path = labelled_folder / "labels" / "bad.tif"
    Image.fromarray(labels).save(path)
    pair = LabelledImage(labelled_folder / "images" / "0.png", path)
    with pytest.raises(ValueError, match=message):
        read_pair(pair)


def test_a_broken_file_is_named(labelled_folder: Path) -> None:
    path = labelled_folder / "images" / "0.png"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(OSError, match=r"0\.png"):
        read_pair(folder_pairs(path.parent, labelled_folder / "labels")[0])


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
            "instances": {"kind": "instances"},
            "semantic": {"kind": "semantic"},
            "whole": {"kind": "semantic", "whole": 1.0},
        }.items()
    }
    assert sizes["semantic"] == {400}
    assert sizes["whole"] == {1200}
    assert {400, 800} <= sizes["instances"]
    nothing = np.zeros((60, 60), np.uint8)
    assert draw_object(nothing, source(labelled_folder), rng) is None


def test_windows_hold_the_object_and_stay_inside() -> None:
    truth = np.zeros((90, 120), bool)
    truth[20:50, 70:110] = True
    rng = np.random.default_rng(0)
    for _ in range(100):
        window = draw_window(truth, SampleSettings(zoom=1.0), rng)
        assert 0 <= window.top < window.bottom <= 90
        assert 0 <= window.left < window.right <= 120
        assert truth[window.slices].sum() >= 0.85 * truth.sum()


def test_samples_are_consistent_and_reproducible(labelled_folder: Path) -> None:
    stream = ClickSamples(
        [source(labelled_folder, kind="semantic"), source(labelled_folder)],
        SampleSettings(size=64),
        seed=3,
    )
    samples = list(islice(stream, 40))
    for sample in samples:
        assert sample.image.shape == (64, 64, 3)
        assert sample.truth.shape == sample.valid.shape == sample.edge.shape == (64, 64)
        assert sample.truth.any()
        for click in sample.clicks:
            assert sample.truth[int(click.y), int(click.x)] == click.positive
    assert any(sample.edge.any() for sample in samples)
    assert any(len(sample.clicks) > 1 for sample in samples)
    again = list(islice(stream, 40))
    for first, second in zip(samples, again, strict=True):
        assert np.array_equal(first.image, second.image)
        assert first.clicks == second.clicks
