import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely.geometry
from hypothesis import HealthCheck, given, settings
from tests.formats.annotation_samples import (
    DOG,
    MANY,
    TABLE,
    annotations,
    content,
    ring_and_parts,
)

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.kinds.geojson import read_geojson, write_geojson

many = settings(
    max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@many
@given(annotation=annotations())
def test_objects_come_back(tmp_path: Path, annotation: ImageAnnotation) -> None:
    path = tmp_path / "größe 🐈.geojson"
    write_geojson(path, annotation)
    back = read_geojson(path)
    assert content(back) == content(annotation)
    assert back.classes == annotation.classes


@many
@given(annotation=annotations())
def test_shapely_reads_the_same_areas(
    tmp_path: Path, annotation: ImageAnnotation
) -> None:
    path = tmp_path / "a.geojson"
    write_geojson(path, annotation)
    features = json.loads(path.read_text())["features"]
    for feature, entry in zip(features, annotation.objects, strict=True):
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.is_valid
        assert shape.area == entry.region.pixels


def test_features_are_as_qupath_has_them(tmp_path: Path) -> None:
    crowd = replace(ring_and_parts().objects[1], is_crowd=True)
    write_geojson(tmp_path / "a.geojson", replace(ring_and_parts(), objects=(crowd,)))
    (feature,) = json.loads((tmp_path / "a.geojson").read_text())["features"]
    assert feature["geometry"] == {
        "type": "Polygon",
        "coordinates": [[[8, 8], [12, 8], [12, 11], [8, 11], [8, 8]]],
    }
    properties = feature["properties"]
    assert properties["objectType"] == "annotation"
    assert properties["classification"] == {"name": DOG.name, "color": [200, 0, 50]}
    assert read_geojson(tmp_path / "a.geojson").objects[0].is_crowd


def test_many_classes_and_no_objects(tmp_path: Path) -> None:
    labels = np.arange(1, 301).reshape(15, 20)
    path = tmp_path / "a.geojson"
    write_geojson(path, ImageAnnotation.from_labels("a", labels, MANY))
    assert np.array_equal(read_geojson(path).class_labels(), labels)
    write_geojson(path, ImageAnnotation("a", 3, 4, MANY))
    assert read_geojson(path).objects == ()
    assert read_geojson(path).classes == MANY


def of_others(path: Path, *features: dict) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


SQUARE = {"type": "Polygon", "coordinates": [[[1, 1], [4, 1], [4, 3], [1, 3], [1, 1]]]}


def test_files_of_others_need_the_size_of_the_image(tmp_path: Path) -> None:
    labelled = {"classification": {"name": "Tumor", "color": [200, 0, 0]}}
    path = of_others(
        tmp_path / "a.geojson",
        {"geometry": SQUARE, "properties": labelled},
        {"geometry": SQUARE, "properties": {"classification": {"name": "cat"}}},
        {"geometry": SQUARE},
    )
    with pytest.raises(ValueError, match="does not say how large its image is"):
        read_geojson(path)
    annotation = read_geojson(path, "a.png", (6, 7), TABLE)
    assert annotation.file_name == "a.png"
    names = [annotation.classes.get(o.class_id).name for o in annotation.objects]
    assert names == ["Tumor", "cat", "unclassified"]
    assert annotation.classes.get(2) == LabelClass(2, "Tumor", (200, 0, 0))
    assert [o.region.pixels for o in annotation.objects] == [6, 6, 6]
    assert [o.id for o in annotation.objects] == [1, 2, 3]


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        (None, "a None has no area"),
        ({"type": "Point", "coordinates": [1, 2]}, "a Point has no area"),
        ({"type": "Polygon", "coordinates": [[1, 2]]}, r"no rings of \[x, y\]"),
        ({"type": "Polygon", "coordinates": []}, r"no rings of \[x, y\]"),
        ({"type": "MultiPolygon"}, "an object has no outline"),
        ({"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]}, "has 2 vertices"),
    ],
)
def test_what_has_no_area_is_left_out_or_refused(
    tmp_path: Path, geometry: object, message: str
) -> None:
    path = of_others(tmp_path / "a", {"geometry": geometry}, {"geometry": SQUARE})
    said: list[str] = []
    annotation = read_geojson(path, shape=(6, 7), report=said.append)
    assert len(annotation.objects) == len(said) == 1
    with pytest.raises(ValueError, match=f"feature 1 is left out: .*{message}"):
        read_geojson(path, shape=(6, 7))


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("{}")
    with pytest.raises(ValueError, match="has no list of features"):
        read_geojson(tmp_path / "a")
    twins = ClassTable((LabelClass(1, "a", (0, 0, 0)), LabelClass(2, "a", (0, 0, 0))))
    with pytest.raises(ValueError, match="two classes are called 'a'"):
        write_geojson(tmp_path / "b", ImageAnnotation("a", 1, 1, twins))
    assert not (tmp_path / "b").exists()
