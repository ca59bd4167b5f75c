import numpy as np
import pytest

from napari_edgeflow.engine.interaction import result_memory
from napari_edgeflow.engine.interaction.result_memory import ResultMemory
from napari_edgeflow.engine.raster.image import Window

SHAPE = (20, 30)


def address(array: np.ndarray) -> int:
    return int(array.ctypes.data)


def written(memory: ResultMemory, window: Window) -> np.ndarray:
    array = memory.zeros(SHAPE, window)
    array[window.slices] = 1
    return array


def expected(window: Window) -> np.ndarray:
    array = np.zeros(SHAPE, np.float32)
    array[window.slices] = 1
    return array


def test_memory_that_nobody_has_is_used_again() -> None:
    memory = ResultMemory()
    first = address(written(memory, Window(0, 0, 10, 10)))
    for window in (Window(5, 5, 15, 30), Window(0, 0, 20, 30), Window(3, 3, 4, 4)):
        array = written(memory, window)
        assert address(array) == first
        np.testing.assert_array_equal(array, expected(window))
        array[:] = 7
        del array


@pytest.mark.parametrize("hold", [lambda a: a, lambda a: a[2:, ::3], memoryview])
def test_what_somebody_holds_is_left_alone(hold: object) -> None:
    memory = ResultMemory()
    held = hold(written(memory, Window(0, 0, 10, 10)))  # type: ignore[operator]
    before = np.array(held)
    np.testing.assert_array_equal(
        written(memory, Window(12, 12, 18, 18)), expected(Window(12, 12, 18, 18))
    )
    np.testing.assert_array_equal(np.array(held), before)


def test_other_shapes_and_large_results_get_memory_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory = ResultMemory()
    written(memory, Window(0, 0, 10, 10))
    assert memory.zeros((5, 5), Window(0, 0, 1, 1)).shape == (5, 5)
    kept = address(memory.zeros((5, 5), Window(0, 0, 1, 1)))
    monkeypatch.setattr(result_memory, "_MOST_PIXELS", 20)
    large = memory.zeros((5, 5), Window(0, 0, 5, 5))
    assert address(large) != kept
    assert not large.any()
