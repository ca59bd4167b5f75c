import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.scheme import LabelScheme, entry_of
from napari_edgeflow.samples import sample_layers
from napari_edgeflow.widgets.layers.helpers import HELPER
from napari_edgeflow.widgets.layers.labels import add_labels, labels_of, write_scheme
from napari_edgeflow.widgets.layers.matching import image_of, made_for, matching_layers

SCHEME = LabelScheme("object", ClassTable.voc())
SHAPE = (6, 8)


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def image(viewer: ViewerModel, name: str, shape: tuple[int, ...] = SHAPE) -> Image:
    return viewer.add_image(np.zeros(shape), name=name)


def labels(viewer: ViewerModel, name: str, shape: tuple[int, ...] = SHAPE) -> Labels:
    return viewer.add_labels(np.zeros(shape, np.uint8), name=name)


def test_labels_stay_with_the_image_they_were_made_for(viewer: ViewerModel) -> None:
    cat, dog = image(viewer, "cat"), image(viewer, "dog")
    made = add_labels(viewer, cat, SCHEME)
    made.name, cat.name, dog.name = "dog objects", "a photo", "dog"
    viewer.layers.move(viewer.layers.index(made), len(viewer.layers))
    write_scheme(made, LabelScheme("object", ClassTable.voc().without(1)))
    assert image_of(viewer.layers, made) is cat
    assert image_of(viewer.layers, made, chosen=dog) is cat
    assert list(matching_layers(viewer.layers)) == [(cat, made)]
    assert made_for(viewer.layers, made, cat)
    assert not made_for(viewer.layers, made, dog)


def test_labels_made_of_labels_are_of_the_same_image(viewer: ViewerModel) -> None:
    cat, _ = image(viewer, "cat"), image(viewer, "dog")
    classes = add_labels(viewer, cat, LabelScheme("semantic", ClassTable.voc()))
    objects = viewer.add_layer(labels_of(classes, SCHEME, classes.data, {}))
    assert image_of(viewer.layers, objects) is cat
    theirs = labels(viewer, "of others")
    again = labels_of(theirs, SCHEME, theirs.data, {})
    assert "image" not in entry_of(again.metadata)


def test_labels_of_a_closed_image_are_matched_anew(viewer: ViewerModel) -> None:
    cat = image(viewer, "cat")
    made = add_labels(viewer, cat, SCHEME)
    viewer.layers.remove(cat)
    with pytest.raises(ValueError, match=r"no image of the shape \(6, 8\)"):
        image_of(viewer.layers, made)
    assert list(matching_layers(viewer.layers)) == []
    opened = image(viewer, "cat")
    assert image_of(viewer.layers, made) is opened
    assert made_for(viewer.layers, made, opened)


def test_a_choice_comes_before_names_and_places(viewer: ViewerModel) -> None:
    cat, dog = image(viewer, "cat"), image(viewer, "dog")
    theirs = labels(viewer, "cat labels")
    assert image_of(viewer.layers, theirs, chosen=dog) is dog
    other = image(viewer, "other", (3, 3))
    assert image_of(viewer.layers, theirs, chosen=other) is cat


def test_names_come_before_places_the_longest_first(viewer: ViewerModel) -> None:
    image(viewer, "cat")
    kitten = image(viewer, "cat 2")
    image(viewer, "dog")
    theirs = labels(viewer, "cat 2 labels")
    assert image_of(viewer.layers, theirs) is kitten
    assert made_for(viewer.layers, theirs, kitten)


def test_else_it_is_the_nearest_below_then_above(viewer: ViewerModel) -> None:
    low, near = image(viewer, "a"), image(viewer, "b")
    viewer.add_image(np.zeros(SHAPE), name="c", metadata={HELPER: "confidence"})
    image(viewer, "d", (3, 3))
    theirs = labels(viewer, "labels")
    above = image(viewer, "e")
    assert image_of(viewer.layers, theirs) is near
    assert not made_for(viewer.layers, theirs, near)
    viewer.layers.remove(near)
    assert image_of(viewer.layers, theirs) is low
    viewer.layers.remove(low)
    assert image_of(viewer.layers, theirs) is above


def test_samples_say_whose_labels_they_are(viewer: ViewerModel) -> None:
    for data, settings, kind in sample_layers("cat"):
        getattr(viewer, f"add_{kind}")(data, **settings)
    cat, truth = viewer.layers
    viewer.add_image(cat.data, name="Truth")
    assert image_of(viewer.layers, truth) is cat
