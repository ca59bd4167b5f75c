import numpy as np
import pytest

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.widgets.clicks.object.session import ClickSession
from napari_edgeflow.widgets.layers.planes import Plane, PlaneImage

A, B, C = Click(1, 1), Click(2, 2, False), Click(3, 3)


def plane_image() -> PlaneImage:
    data = np.zeros((4, 10, 12), np.uint8)
    return PlaneImage(data, Plane((2, None, None)), False, (0.0, 255.0))


def test_every_edit_can_be_undone_and_redone() -> None:
    session = ClickSession()
    states = [(), (A,), (A, B), (C, B), (B,), ()]
    for state in states:
        session.edit(state)
    for state in states[-2::-1]:
        assert session.can_undo
        session.undo()
        assert session.clicks == state
    session.undo()
    assert session.clicks == ()
    assert not session.can_undo
    for state in states[1:]:
        assert session.can_redo
        session.redo()
        assert session.clicks == state
    session.redo()
    assert session.clicks == states[-1]


def test_a_new_edit_cuts_what_was_undone() -> None:
    session = ClickSession()
    session.edit([A])
    session.edit([A, B])
    session.undo()
    session.edit([A, C])
    assert not session.can_redo
    session.undo()
    assert session.clicks == (A,)


def test_the_same_clicks_again_are_no_edit() -> None:
    session = ClickSession()
    session.edit([A])
    session.edit([A])
    session.undo()
    assert not session.can_undo


def test_points_become_clicks_of_the_plane() -> None:
    session = ClickSession()
    assert session.as_clicks(np.zeros((0, 3)), np.zeros(0, bool)) == ()
    session.start(plane_image(), None)
    points = np.array([[2, 3.5, 4.0], [2.2, 0.0, 11.0]])
    clicks = session.as_clicks(points, np.array([True, False]))
    assert clicks == (Click(3.5, 4.0), Click(0.0, 11.0, False))


@pytest.mark.parametrize(
    ("point", "message"),
    [((1, 3, 4), "slice 2 of axis 0"), ((2, 10, 4), "outside the image of 10 x 12")],
)
def test_points_elsewhere_are_refused(point: tuple[float, ...], message: str) -> None:
    session = ClickSession()
    session.start(plane_image(), None)
    with pytest.raises(ValueError, match=message):
        session.as_clicks(np.array([point], float), np.array([True]))


def test_starting_forgets_the_object_before() -> None:
    session = ClickSession()
    session.edit([A])
    session.start(plane_image(), None)
    assert session.clicks == ()
    assert not session.can_undo
    assert session.seconds == 0
    session.edit([A])
    assert 0 <= session.seconds < 5
