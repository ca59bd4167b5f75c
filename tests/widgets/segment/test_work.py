from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tests.widgets.dock_person import two_squares
from tests.widgets.segment_person import EXPECTED, FakeSemanticModels

from napari_edgeflow.widgets.layers.planes import Plane, PlaneImage, every_plane
from napari_edgeflow.widgets.qt.workers import UnusableModelError
from napari_edgeflow.widgets.segment import work as segment_work
from napari_edgeflow.widgets.segment.work import (
    SegmentProgress,
    SegmentRequest,
    SegmentResult,
    SegmentWork,
    UnusableDeviceError,
)


def answer(
    work: SegmentWork, request: SegmentRequest
) -> tuple[list[SegmentProgress], SegmentResult]:
    """Return all progress and the result."""
    steps = work(request)
    reports = []
    while True:
        try:
            reports.append(next(steps))
        except StopIteration as end:
            return reports, end.value


def stack_request(**changes: Any) -> SegmentRequest:
    stack = np.stack([two_squares()] * 3)
    shown = PlaneImage(stack, Plane((1, None, None)), True, (0.0, 255.0))
    planes = every_plane(shown, (3, 120, 160))
    return SegmentRequest("good", "auto", planes, (3, 120, 160), **changes)


@pytest.fixture
def work(semantic_models: FakeSemanticModels) -> Iterator[SegmentWork]:
    return SegmentWork(semantic_models)


def test_all_planes_are_counted(work: SegmentWork) -> None:
    reports, result = answer(work, stack_request())
    assert [(r.plane, r.done) for r in reports[:7:2]] == [
        (0, 0),
        (0, 1),
        (0, 2),
        (1, 0),
    ]
    assert reports[-1].steps_done == reports[-1].steps == 9
    assert [part.plane.index[0] for part in result.planes] == [0, 1, 2]
    np.testing.assert_array_equal(result.planes[2].labels, EXPECTED)
    assert result.confidence.shape == (3, 120, 160)
    assert {s.class_id: s.pixels for s in result.summary}[15] == 6000
    assert result.seconds > 0


def test_one_plane_of_a_stack_is_one_thick(work: SegmentWork) -> None:
    request = stack_request()
    single = SegmentRequest("good", "auto", request.planes[1:2], request.shape)
    _, result = answer(work, single)
    assert result.confidence.shape == (1, 120, 160)
    assert result.planes[0].plane == Plane((1, None, None))


def test_objects_of_each_plane(work: SegmentWork) -> None:
    _, result = answer(work, stack_request(kind="object", kept=frozenset({8})))
    assert [[tuple(o) for o in p.objects] for p in result.planes] == [
        [(1, 8, 2000)]
    ] * 3


def test_without_planes_only_the_model_is_loaded(
    work: SegmentWork, semantic_models: FakeSemanticModels
) -> None:
    reports, result = answer(work, SegmentRequest("good", "auto"))
    assert reports == []
    assert result.planes == ()
    assert len(result.classes) == 20
    assert {"auto", "cpu"} <= set(result.devices)
    answer(work, stack_request())
    assert semantic_models.loaded == [("good", "auto")]
    answer(work, SegmentRequest("good", "cpu"))
    assert semantic_models.loaded[-1] == ("good", "cpu")


def test_what_cannot_be_loaded_leaves_the_model_before(
    work: SegmentWork,
    semantic_models: FakeSemanticModels,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer(work, SegmentRequest("good", "auto"))
    with pytest.raises(UnusableModelError, match="choose another"):
        answer(work, SegmentRequest("broken", "auto"))

    def choose(device: str) -> str:
        raise ValueError(f"device {device!r} is not available here")

    monkeypatch.setattr(segment_work, "choose_device", choose)
    with pytest.raises(UnusableDeviceError, match="not available"):
        answer(work, SegmentRequest("good", "mps"))
    monkeypatch.undo()
    answer(work, stack_request())
    assert semantic_models.loaded == [("good", "auto")]


def test_closing_closes_the_network(
    work: SegmentWork, semantic_models: FakeSemanticModels
) -> None:
    steps = work(stack_request())
    next(steps)
    steps.close()
    assert semantic_models.closed.is_set()
