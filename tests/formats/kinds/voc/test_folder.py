from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_edgeflow.engine.data.pairs import read_pair
from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass, voc_palette
from napari_edgeflow.formats.kinds.voc.folder import VocFolder
from napari_edgeflow.formats.kinds.voc.png import write_palette_png

GREY = np.full((6, 8), 100, np.uint8)
LABELS = np.array([[0, 1, 2, 255] * 2] * 6)
CAT = LabelClass(1, "cat", (10, 20, 30))
DOG = LabelClass(2, "dog", (40, 50, 60))
TABLE = ClassTable((CAT, DOG))


@pytest.fixture
def folder(tmp_path: Path) -> VocFolder:
    return VocFolder(tmp_path / "VOC2012")


def test_what_is_written_is_read_by_training(folder: VocFolder) -> None:
    folder.add("b", GREY, LABELS, TABLE)
    folder.add("a", np.dstack([GREY] * 3), LABELS, TABLE)
    folder.add("b", GREY, LABELS.T.reshape(6, 8), TABLE)
    folder.add("c", GREY, LABELS, TABLE, split="val")
    assert folder.is_complete
    assert folder.splits() == ["train", "val"]
    pairs = folder.pairs("train")
    assert [pair.image for pair in pairs] == [folder.image_path(n) for n in "ba"]
    assert [pair.labels for pair in pairs] == [folder.labels_path(n) for n in "ba"]
    assert folder.names() == ["b", "a"]
    image, labels = read_pair(pairs[1])
    assert np.abs(image - 100.0).max() < 3
    assert np.array_equal(labels, LABELS)


def test_what_is_written_is_read_back(folder: VocFolder) -> None:
    folder.add("a", GREY, LABELS, TABLE)
    image, labels, classes = folder.read("a")
    assert image.shape == (6, 8, 3)
    assert np.array_equal(labels, LABELS)
    assert classes.classes[:2] == TABLE.classes
    lines = (folder.root / "labels.txt").read_text().splitlines()
    assert lines == ["1 cat 10 20 30", "2 dog 40 50 60"]


def test_a_jpeg_is_copied_as_it_is(folder: VocFolder, tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.JPG")
    Image.fromarray(GREY).save(tmp_path / "b.png")
    folder.add("a", tmp_path / "a.JPG", LABELS, TABLE)
    folder.add("b", tmp_path / "b.png", LABELS, TABLE)
    copied = folder.image_path("a").read_bytes()
    assert copied == (tmp_path / "a.JPG").read_bytes()
    with Image.open(folder.image_path("b")) as image:
        assert (image.format, image.size) == ("JPEG", (8, 6))


def test_a_folder_has_one_list_of_classes(folder: VocFolder) -> None:
    folder.add("a", GREY, LABELS, TABLE)
    bird = LabelClass(3, "bird", (7, 7, 7))
    red = LabelClass(2, "dog", (255, 0, 0))
    folder.add("b", GREY, LABELS, ClassTable((bird, red)))
    assert folder.classes() == ClassTable((CAT, red, bird))
    wolf = ClassTable((LabelClass(2, "wolf", (0, 0, 0)),))
    with pytest.raises(ValueError, match=r"class 2 is 'dog' in .* and 'wolf' here"):
        folder.add("c", GREY, LABELS, wolf)
    assert not folder.image_path("c").exists()
    assert folder.names() == ["a", "b"]


def test_what_does_not_fit_is_refused(folder: VocFolder) -> None:
    for name in ("", "my photo", "../a", "a\n"):
        with pytest.raises(ValueError, match="cannot be a name in a VOC folder"):
            folder.add(name, GREY, LABELS, TABLE)
    with pytest.raises(ValueError, match="both need the same height and width"):
        folder.add("a", GREY[1:], LABELS, TABLE)
    with pytest.raises(ValueError, match="0 to 256"):
        folder.add("a", GREY, LABELS.clip(0, 2) * 128, TABLE)
    assert not folder.root.exists() or not list(folder.root.rglob("*.*"))


def test_lists_of_others_are_read(folder: VocFolder) -> None:
    folder.add("a", GREY, LABELS, TABLE)
    lists = folder.root / "ImageSets" / "Segmentation"
    (lists / "Aachen.txt").write_text("x")
    (lists / "trainval.txt").write_text("a\nb\n")
    assert folder.splits() == ["trainval", "train", "Aachen"]
    assert folder.names() == ["a", "b"]
    (lists / "trainval.txt").write_bytes(b"\xff")
    with pytest.raises(OSError, match=r"cannot read the list .*trainval\.txt"):
        folder.names()
    (lists / "trainval.txt").write_text("\n")
    with pytest.raises(ValueError, match=r"write the names of some to .*trainval\.txt"):
        folder.names()


def test_labelmes_folder_without_lists_is_read(folder: VocFolder) -> None:
    for name in ("JPEGImages", "SegmentationClass"):
        assert not folder.is_complete
        (folder.root / name).mkdir(parents=True)
    with pytest.raises(ValueError, match=r"no labelled image is named in .*train\.txt"):
        folder.names()
    for name in "ba":
        Image.fromarray(GREY).save(folder.image_path(name))
        write_palette_png(folder.labels_path(name), LABELS, voc_palette())
    write_palette_png(folder.labels_path("c"), LABELS, voc_palette())
    assert folder.names() == ["a", "b"]
    (folder.root / "class_names.txt").write_text("_background_\ncat\ndog\n")
    _, _, classes = folder.read("a")
    assert [entry.name for entry in classes] == ["cat", "dog", "void"]


def test_voc_lists_are_read(tmp_path: Path) -> None:
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nb\n")
    (tmp_path / "own.txt").write_text("c")
    assert [p.image.stem for p in VocFolder(tmp_path).pairs("train")] == ["a", "b"]
    assert [p.labels.name for p in VocFolder(tmp_path).pairs(tmp_path / "own.txt")] == [
        "c.png"
    ]
    with pytest.raises(ValueError, match=r"no list .*val\.txt"):
        VocFolder(tmp_path).pairs("val")
    (lists / "val.txt").write_text("")
    with pytest.raises(ValueError, match="names no image"):
        VocFolder(tmp_path).pairs("val")


def test_a_list_that_is_none_is_told(folder: VocFolder) -> None:
    path = folder.list_path("train")
    path.parent.mkdir(parents=True, exist_ok=True)
    for content in (b"a\n" + b"[" * 10**5, b"\xff\xfe"):
        path.write_bytes(content)
        for read in (folder.listed, folder.pairs):
            with pytest.raises(OSError, match="the list") as told:
                read("train")
            assert len(str(told.value)) < 500
