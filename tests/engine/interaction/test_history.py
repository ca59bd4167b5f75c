import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.history import StepHistory


def test_history_undoes_redoes_and_forgets() -> None:
    history: StepHistory[Click, str] = StepHistory()
    first, second, third = Click(1, 1), Click(2, 2), Click(3, 3)
    history.add(first, "a")
    history.add(second, "b")
    history.undo()
    assert (history.steps, history.result, history.can_redo) == ((first,), "a", True)
    history.redo()
    assert history.result == "b"
    history.undo()
    history.add(third, "c")
    assert not history.can_redo
    assert history.steps == (first, third)
    with pytest.raises(ValueError, match="no step to redo"):
        history.redo()
    history.clear()
    assert history.result is None
    with pytest.raises(ValueError, match="no step to undo"):
        history.undo()


def test_rewind_keeps_what_is_known_also_of_undone_steps() -> None:
    history: StepHistory[Click, int] = StepHistory()
    clicks = [Click(i, i) for i in range(4)]
    for number, click in enumerate(clicks):
        history.add(click, number)
    assert history.rewind(clicks[:2]) == 2
    assert history.result == 1
    assert history.rewind(clicks) == 4
    assert history.result == 3
    assert history.rewind([clicks[0], Click(9, 9)]) == 1
    assert history.result == 0
    assert history.rewind([]) == 0
    assert history.result is None


@given(st.lists(st.sampled_from(["add", "undo", "redo"]), max_size=30))
def test_undo_and_redo_are_inverse(actions: list[str]) -> None:
    history: StepHistory[Click, int] = StepHistory()
    for number, action in enumerate(actions):
        before = history.steps
        if action == "add":
            history.add(Click(number, 0), number)
            history.undo()
            assert history.steps == before
            history.redo()
        elif action == "undo" and before:
            history.undo()
            history.redo()
            assert history.steps == before
            history.undo()
        elif action == "redo" and history.can_redo:
            history.redo()
            assert len(history.steps) == len(before) + 1
