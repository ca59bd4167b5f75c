"""Files whose values were exchanged for others: no error but those for people."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.formats.annotation_samples import ring_and_parts

from napari_edgeflow.engine.data.pixels import image_size, read_label_image, read_rgb
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.exchange.imports import guess_source, read_annotations
from napari_edgeflow.formats.files.class_files import read_classes, write_classes
from napari_edgeflow.formats.kinds.coco.dataset import read_coco, update_coco
from napari_edgeflow.formats.kinds.coco.run_lengths import expand
from napari_edgeflow.formats.kinds.geojson import write_geojson
from napari_edgeflow.formats.kinds.labelme.files import write_labelme
from napari_edgeflow.formats.kinds.yolo import read_data_yaml

ODD: tuple[Any, ...] = (None, "x", [], -1, -(10**400), 1e300, float("inf"))


def mutants(record: Any) -> Iterator[Any]:
    """Yield records in which one value is another one; of long lists the first."""
    yield from ODD
    places = range(min(len(record), 2)) if isinstance(record, list) else ()
    for key in record if isinstance(record, dict) else places:
        for changed in mutants(record[key]):
            copy = record.copy()
            copy[key] = changed
            yield copy


def draw(annotation: ImageAnnotation) -> None:
    annotation.class_labels()
    annotation.object_labels()
    for entry in annotation.objects:
        entry.polygons()


@pytest.mark.parametrize("kind", ["coco", "rle", "labelme", "geojson"])
def test_odd_values_are_told_and_left_out(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("a.geojson" if kind == "geojson" else "a.json")
    annotation = ring_and_parts()
    if kind == "labelme":
        write_labelme(path, annotation)
    elif kind == "geojson":
        write_geojson(path, annotation)
    else:
        update_coco(path, [annotation], "rle" if kind == "rle" else "polygons")
    for record in mutants(json.loads(path.read_text(encoding="ascii"))):
        path.write_text(json.dumps(record), encoding="ascii")
        with suppress(ValueError, OSError):
            source = guess_source(path)
            for found in read_annotations(source, path, report=[].append):
                draw(found)


@pytest.mark.parametrize("form", ["json", "coco"])
def test_odd_classes_are_told(tmp_path: Path, form: Any) -> None:
    path = tmp_path / "classes.json"
    write_classes(path, ring_and_parts().classes, form)
    for record in mutants(json.loads(path.read_text(encoding="ascii"))):
        path.write_text(json.dumps(record), encoding="ascii")
        with suppress(ValueError, OSError):
            read_classes(path, [].append)


@pytest.mark.parametrize(
    "text",
    [
        "a: 2020-13-45",
        "a: !!int ''",
        "[" * 1200,
        "names: {.inf: x}",
        "? [a]\n: b",
        "\x00",
    ],
)
def test_odd_yaml_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "data.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"data\.yaml"):
        read_data_yaml(path)


def test_sizes_without_an_image_cost_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    annotation = ring_and_parts()
    update_coco(path, [annotation], "polygons")
    record = json.loads(path.read_text(encoding="ascii"))
    record["images"][0].update(width=100_000, height=40_000)
    for entry in record["annotations"]:
        if isinstance(entry["segmentation"], dict):
            entry["segmentation"] = {
                "size": [40_000, 100_000],
                "counts": [0, 4 * 10**9],
            }
    everything = [0, 0, 100_000, 0, 100_000, 40_000, 0, 40_000]
    wide = {**record["annotations"][0], "segmentation": [everything], "id": 99}
    record["annotations"].append(wide)
    path.write_text(json.dumps(record), encoding="ascii")
    told: list[str] = []
    (found,) = read_coco(path, told.append)
    assert 0 < len(found.objects) < len(record["annotations"])
    assert all("100000 x 40000 pixels are more than labels" in one for one in told)
    assert told
    for drawn in (found.class_labels, found.object_labels):
        with pytest.raises(ValueError, match="is that the size of the image"):
            drawn()


def test_run_lengths_without_an_end_are_told() -> None:
    with pytest.raises(ValueError, match="without end"):
        expand("o" * 100_000)


def test_labels_and_images_of_any_size_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    labels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    path, photo = tmp_path / "labels.png", tmp_path / "photo.jpg"
    Image.fromarray(labels).save(path)
    Image.fromarray(labels).save(photo)
    assert np.array_equal(read_label_image(path), labels)
    assert np.abs(read_rgb(photo)[..., 0].astype(int) - labels).mean() < 3
    assert image_size(photo) == (16, 16)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_broken_images_are_told(tmp_path: Path, suffix: str) -> None:
    path, rng = tmp_path / f"a{suffix}", np.random.default_rng(0)
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(path)
    whole = path.read_bytes()
    for _ in range(60):
        damaged = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        damaged[rng.integers(len(damaged))] = rng.integers(256)
        path.write_bytes(damaged)
        for read in (read_rgb, read_label_image, image_size):
            with suppress(ValueError, OSError):
                read(path)
