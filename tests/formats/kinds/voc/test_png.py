import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass, voc_palette
from napari_edgeflow.formats.files.image_files import is_in_colour
from napari_edgeflow.formats.kinds.label_images.folder import read_label_values
from napari_edgeflow.formats.kinds.voc.png import (
    holds_labels,
    is_palette_png,
    read_palette_png,
    write_palette_png,
)

SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=20)
LABELS = SHAPES.flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 7, 255]))
) | SHAPES.flatmap(lambda shape: arrays(np.uint8, shape))
COLOURS = st.tuples(*(st.integers(0, 255),) * 3)
NAMES = st.text(min_size=1).filter(lambda name: bool(name.strip()))
TABLES = st.lists(
    st.builds(LabelClass, st.integers(1, 255), NAMES, COLOURS),
    min_size=1,
    unique_by=lambda entry: entry.id,
).map(lambda entries: ClassTable(tuple(entries)))

many = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def plain(path: Path) -> np.ndarray:
    """Read the labels as labelme and most training code do."""
    with Image.open(path) as image:
        return np.asarray(image)


def write_plain(
    path: Path, labels: np.ndarray, palette: np.ndarray, **options: object
) -> None:
    """Write the labels as other programs do."""
    image = Image.fromarray(labels.astype(np.uint8))
    image.putpalette(palette.astype(np.uint8).tobytes())
    image.save(path, **options)


@many
@given(labels=LABELS)
def test_indices_and_palette_come_back(tmp_path: Path, labels: np.ndarray) -> None:
    path = tmp_path / "mask.png"
    write_palette_png(path, labels, voc_palette())
    with Image.open(path) as image:
        assert image.mode == "P"
        assert np.array_equal(np.asarray(image), labels)
        rgb = np.asarray(image.convert("RGB"))
    assert np.array_equal(rgb, voc_palette()[labels])


@many
@given(labels=LABELS, table=TABLES)
def test_names_and_colours_come_back(
    tmp_path: Path, labels: np.ndarray, table: ClassTable
) -> None:
    path = tmp_path / "mask.png"
    write_palette_png(path, labels, table.palette(), table)
    assert holds_labels(path)
    read, classes = read_palette_png(path)
    assert np.array_equal(read, labels)
    assert np.array_equal(plain(path), labels)
    assert classes.classes[: len(table)] == table.classes
    assert {0, *(c.id for c in classes)} >= set(labels.ravel().tolist())


@many
@given(labels=LABELS, palette=arrays(np.uint8, (256, 3)))
def test_palettes_of_others_come_back(
    tmp_path: Path, labels: np.ndarray, palette: np.ndarray
) -> None:
    path = tmp_path / "mask.png"
    write_plain(path, labels, palette)
    read, classes = read_palette_png(path)
    assert np.array_equal(read, labels)
    assert read.flags.writeable
    for value in np.unique(labels[labels > 0]).tolist():
        assert classes.get(value).colour == tuple(palette[value])


@many
@given(
    labels=arrays(np.uint8, (3, 9), elements=st.integers(0, 1)), bits=st.integers(0, 3)
)
def test_few_bits_are_read(tmp_path: Path, labels: np.ndarray, bits: int) -> None:
    path = tmp_path / "mask.png"
    depth = 2**bits
    labels = labels * (2**depth - 1)
    write_plain(path, labels, voc_palette(2**depth), bits=depth)
    assert path.read_bytes()[24] == depth
    read, classes = read_palette_png(path)
    assert np.array_equal(read, labels)
    assert classes.get(1).name == "aeroplane"


def test_vocs_palette_brings_vocs_names(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    write_palette_png(path, np.array([[0, 15, 30, 255]]), voc_palette())
    _, classes = read_palette_png(path)
    assert classes.classes[:20] == ClassTable.voc().classes
    assert [c.name for c in classes][20:] == ["class 30", "void"]
    assert classes.get(255).colour == (224, 224, 192)


def test_other_colours_bring_numbers(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    palette = voc_palette()
    palette[7] = 1, 2, 3
    write_palette_png(path, np.array([[0, 1, 7, 255]]), palette)
    _, classes = read_palette_png(path)
    assert [c.name for c in classes] == ["class 1", "class 7", "void"]
    assert classes.get(7).colour == (1, 2, 3)
    given = ClassTable((LabelClass(7, "moss", (0, 9, 0)),))
    _, classes = read_palette_png(path, given)
    assert [c.name for c in classes] == ["moss", "class 1", "void"]
    # Nothing of the palette is in use: nothing speaks against VOC's.
    write_palette_png(path, np.zeros((2, 2), int), 255 - palette)
    assert read_palette_png(path)[1] == ClassTable.voc()


@pytest.mark.parametrize("text", ["{", "[]", '{"classes": 1}', '{"classes": [{}]}'])
def test_damaged_names_do_not_cost_the_labels(tmp_path: Path, text: str) -> None:
    info = PngInfo()
    info.add_text("napari_edgeflow", text)
    write_plain(tmp_path / "a.png", np.eye(3), voc_palette(), pnginfo=info)
    labels, classes = read_palette_png(tmp_path / "a.png")
    assert np.array_equal(labels, np.eye(3))
    assert classes == ClassTable.voc()


def test_names_are_plain_text_for_others(tmp_path: Path) -> None:
    high = LabelClass(300, "elsewhere", (1, 1, 1))
    table = ClassTable((LabelClass(2, "Wölfe, 狼", (9, 8, 7)), high))
    write_palette_png(tmp_path / "a.png", np.eye(3, dtype=int), table.palette(), table)
    with Image.open(tmp_path / "a.png") as image:
        text = json.loads(image.info["napari_edgeflow"])
    assert text == {"classes": table.without(300).to_records()}


@pytest.mark.parametrize(("depth", "mode"), [(1, "1"), (2, "L"), (4, "L"), (8, "L")])
def test_grey_values_are_labels(tmp_path: Path, depth: int, mode: str) -> None:
    path = tmp_path / "grey.png"
    labels = np.array([[0, 1], [2**depth - 1, 1]], np.uint8)
    if depth in (2, 4):
        write_plain(path, labels, np.zeros((2**depth, 3)), bits=depth)
        # Pillow writes few bits with a palette only: make it a grey file by hand.
        data = bytearray(path.read_bytes())
        data[25] = 0
        start = data.index(b"PLTE") - 4
        del data[start : start + 12 + 3 * 2**depth]
        data[29:33] = png_checksum(bytes(data[12:29]))
        path.write_bytes(data)
    else:
        Image.fromarray(labels if mode == "L" else labels.astype(bool)).save(path)
    assert not is_palette_png(path)
    assert not holds_labels(path)
    read, classes = read_palette_png(path)
    assert np.array_equal(read, labels)
    assert classes.get(1) == LabelClass(1, "class 1", (128, 0, 0))


def png_checksum(chunk: bytes) -> bytes:
    return zlib.crc32(chunk).to_bytes(4, "big")


def test_pictures_are_told_from_labels(tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    picture = Image.fromarray(photo)
    picture.save(tmp_path / "rgb.png")
    picture.quantize(256).save(tmp_path / "reduced.png")
    write_plain(tmp_path / "voc.png", photo[..., 0], voc_palette())
    few = np.random.default_rng(1).integers(0, 255, (256, 3))
    write_plain(tmp_path / "few.png", photo[..., 0] % 64, few)
    found = [p.name for p in sorted(tmp_path.iterdir()) if holds_labels(p)]
    assert found == ["few.png", "voc.png"]
    assert is_palette_png(tmp_path / "reduced.png")
    # Asked for directly it is read all the same.
    assert len(np.unique(read_palette_png(tmp_path / "reduced.png")[0])) > 64


def test_photographs_are_refused(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 255, (20, 20, 3), np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a\.png is a picture of 400 colours, no lab"):
        read_palette_png(tmp_path / "a.png")


@pytest.mark.parametrize("mode", ["LA", "I;16"])
def test_other_kinds_are_refused(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a\.png is a picture of mode .* palette"):
        read_palette_png(tmp_path / "a.png")


def test_broken_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    labels = np.random.default_rng(0).integers(0, 256, (50, 50))
    write_palette_png(path, labels, voc_palette(), ClassTable.voc())
    data = path.read_bytes()
    for size in (0, 10, 30, 60, 500, len(data) // 2, len(data) - 30):
        path.write_bytes(data[:size])
        with pytest.raises(OSError, match=r"cannot read .*a\.png .*complete\?$"):
            read_palette_png(path)
    path.write_bytes(data[:40] + b"?" + data[41:])
    with pytest.raises(OSError, match=r"cannot read .*a\.png"):
        holds_labels(path)
    with pytest.raises(OSError, match=r"missing\.png .*\(No such file.*check the path"):
        read_palette_png(tmp_path / "missing.png")


@pytest.mark.parametrize("value", [-1, 256])
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, value: int) -> None:
    path = tmp_path / "mask.png"
    path.write_text("kept")
    with pytest.raises(ValueError, match=rf"{value}.*save as TIFF \(\.tif\).*COCO"):
        write_palette_png(path, np.array([[0, value]]).clip(None, 256), voc_palette())
    assert path.read_text() == "kept"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "labels", [np.zeros((2, 3, 4), int), np.zeros((0, 3), int), np.zeros((2, 3))]
)
def test_what_is_no_plane_of_labels_is_refused(
    tmp_path: Path, labels: np.ndarray
) -> None:
    with pytest.raises(ValueError, match=r"one plane \(H, W\).*save as TIFF"):
        write_palette_png(tmp_path / "mask.png", labels, voc_palette())
    assert list(tmp_path.iterdir()) == []


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"mask\.jpg must end in \.png"):
        write_palette_png(tmp_path / "mask.jpg", np.zeros((1, 1), int), voc_palette())


def test_labels_of_any_size_open_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Pillow refuses images of more than twice as many pixels.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    path, labels = tmp_path / "a.png", np.full((20, 30), 7, np.uint8)
    write_palette_png(path, labels, voc_palette(), ClassTable.voc())
    assert holds_labels(path)
    again, classes = read_palette_png(path)
    assert np.array_equal(again, labels)
    assert classes == ClassTable.voc()
    assert np.array_equal(read_label_values(path).labels, labels)
    assert not is_in_colour(path)
