"""Labels of other programs, which say nothing of what their values are."""

from typing import Any

import numpy as np
import pytest
from napari.utils.colormaps import CyclicLabelColormap
from tests.widgets.dock_person import WHITE, MakePerson, Person

from napari_edgeflow.engine.labels.kinds import KindGuess
from napari_edgeflow.widgets.fields import choices
from napari_edgeflow.widgets.layers.labels import read_scheme


class Asked(list[Any]):
    """The questions that were asked, all answered alike."""

    answer: Any = None


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    questions = Asked()

    def ask(_parent: object, name: str, guess: KindGuess) -> Any:
        questions.append((name, guess.values))
        return questions.answer

    monkeypatch.setattr(choices, "ask_kind", ask)
    return questions


def nuclei(count: int) -> np.ndarray:
    """Squares below what a person clicks on, each of its own value."""
    labels = np.zeros((120, 160), np.int32)
    for at in range(count):
        labels[115:118, 4 * at : 4 * at + 3] = at + 1
    return labels


def click_and_finish(person: Person) -> None:
    person.layers.points.add(WHITE)
    person.wait()
    person.dock.controls.finish.click()
    person.wait()


def test_ids_of_objects_stay_whose_they_are(
    make_person: MakePerson, asked: Asked
) -> None:
    person = make_person(window=False)
    layer = person.viewer.add_labels(nuclei(27), name="cellpose")
    before, colours = layer.data.copy(), layer.colormap
    person.dock.controls.target.choose(layer)
    assert person.dock.controls.settings().kind == "object"
    assert layer.colormap is colours
    click_and_finish(person)
    assert not asked
    assert layer.data[40, 55] == 28
    np.testing.assert_array_equal(layer.data[100:], before[100:])
    assert isinstance(layer.colormap, CyclicLabelColormap)
    assert list(layer.features["index"]) == [28]


@pytest.mark.parametrize(("answer", "value"), [("object", 6), ("semantic", 1)])
def test_where_it_is_not_clear_it_is_asked_once(
    make_person: MakePerson, asked: Asked, answer: str, value: int
) -> None:
    person = make_person(window=False)
    layer = person.viewer.add_labels(nuclei(5), name="few")
    person.dock.controls.target.choose(layer)
    asked.answer = answer
    click_and_finish(person)
    assert asked == [("few", 5)]
    assert layer.data[40, 55] == value
    assert read_scheme(layer).kind == answer
    person.layers.points.add((90.0, 115.0))
    person.wait()
    person.dock.controls.finish.click()
    person.wait()
    assert len(asked) == 1


def test_who_would_rather_not_write_keeps_the_object(
    make_person: MakePerson, asked: Asked
) -> None:
    person = make_person(window=False)
    layer = person.viewer.add_labels(nuclei(5), name="few")
    before, colours = layer.data.copy(), layer.colormap
    person.dock.controls.target.choose(layer)
    click_and_finish(person)
    np.testing.assert_array_equal(layer.data, before)
    assert layer.colormap is colours
    assert read_scheme(layer) is None
    assert asked == [("few", 5)]
    assert person.dock.controller.clicks


def test_what_a_person_chose_is_not_asked(
    make_person: MakePerson, asked: Asked
) -> None:
    person = make_person(window=False)
    layer = person.viewer.add_labels(nuclei(5), name="few")
    controls = person.dock.controls
    controls.target.choose(layer)
    controls.kind.choose("semantic")
    click_and_finish(person)
    assert not asked
    assert layer.data[40, 55] == 1
    controls.target.choose(None)
    assert controls.settings().kind == "semantic"


def test_a_ground_of_minus_one_is_no_label(make_person: MakePerson) -> None:
    person = make_person(window=False)
    layer = person.viewer.add_labels(np.full((120, 160), -1, np.int32), name="ground")
    controls = person.dock.controls
    controls.target.choose(layer)
    controls.kind.choose("object")
    controls.keep_existing.setChecked(True)
    click_and_finish(person)
    assert layer.data[40, 55] == 1
    assert list(layer.features["index"]) == [1]
    assert set(np.unique(layer.data)) == {-1, 1}
