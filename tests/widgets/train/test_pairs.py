"""The table of what a training learns from."""

from typing import Any

import numpy as np
from napari.components import LayerList, ViewerModel
from tests.widgets.dock_person import MakePerson

from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.train.pairs import TrainPairs, matching_layers


def test_labels_go_with_the_nearest_image_of_their_shape(monkeypatch: Any) -> None:
    viewer = ViewerModel()
    for name, side in (("a", 8), ("b", 8), ("c", 9)):
        viewer.add_image(np.zeros((side, side), np.uint8), name=name)
    for name, side in (("over b", 8), ("over c", 9), ("alone", 5)):
        viewer.add_labels(np.ones((side, side), np.uint8), name=name)
    above = viewer.add_labels(np.ones((6, 6), np.uint8), name="under d")
    viewer.add_image(np.zeros((6, 6), np.uint8), name="d")
    assert above in viewer.layers
    made = []
    monkeypatch.setattr(LayerList, "__newlike__", lambda *_: made.append(1))
    found = [(i.name, x.name) for i, x in matching_layers(viewer.layers)]
    assert found == [("b", "over b"), ("c", "over c"), ("d", "under d")]
    assert not made, "napari takes long to make a list of a part of its layers"


def test_a_mask_in_progress_is_no_label_to_learn_from(make_person: MakePerson) -> None:
    person = make_person()
    links = Connections()
    pairs = TrainPairs(person.viewer, links)
    person.qtbot.addWidget(pairs)
    person.click(20, 20)
    preview = person.dock.controller.layers.preview
    assert preview in person.viewer.layers
    pairs.add_matching()
    assert pairs.pairs == ()
    assert pairs.labels.findText(preview.name) < 0
    person.enter()
    pairs.add_matching()
    (pair,) = pairs.pairs
    assert pair.labels is not preview
    assert pairs.labels.layer is pair.labels
    links.close()
