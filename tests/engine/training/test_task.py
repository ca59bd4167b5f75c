import gc
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.data import IterableDataset

from napari_edgeflow.engine.training.task import Task, TaskSettings, step_memory


def steps(settings: TaskSettings, processes: int = 1) -> list[str]:
    """What is gone down to, until there is nothing smaller."""
    found: list[str] = []
    while (smaller := settings.smaller(processes)) is not None:
        settings = smaller
        found.append(f"{settings.batch} of {[side for _, side in settings.sizes]}")
    return found


def test_there_are_fewer_crops_and_then_smaller_ones() -> None:
    settings = TaskSettings(batch=16, sizes=((0.3, 192), (0.8, 256), (1.0, 320)))
    assert steps(settings) == [
        "8 of [192, 256, 320]",
        "4 of [192, 256, 320]",
        "4 of [160, 160, 160]",
        "2 of [160, 160, 160]",
        "2 of [64, 64, 64]",
    ]


def test_each_process_keeps_as_many_crops_as_the_others() -> None:
    settings = TaskSettings(batch=30, sizes=((1.0, 96),))
    assert steps(settings, 3) == ["15 of [96]", "6 of [96]"]


def test_it_is_described() -> None:
    settings = TaskSettings(batch=8, sizes=((0.5, 320), (1.0, 96)))
    assert settings.describe() == "8 crops of up to 320 pixels"


def network() -> nn.Module:
    """Keeps its input and what is after the activation: 3 + 8 values of a pixel."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.ReLU(),
        nn.Conv2d(8, 1, 3, padding=1, bias=False),
    )


def needed(model: nn.Module, crops: int, side: int) -> int:
    return step_memory(model, lambda s: model(torch.zeros(1, 3, s, s)), crops, side)


def test_it_is_what_the_forward_pass_keeps_and_what_comes_with_weights() -> None:
    weights = 3 * 8 * 9 + 8 * 9
    kept = 4 * (3 + 8) * 320**2 * 16
    assert needed(network(), 16, 320) == 3 * 4 * weights + 1.5 * kept


def test_statistics_and_modes_are_as_before() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout())
    model.train()
    model[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert needed(model, 1, 64) > 0
    assert [module.training for module in model] == [True, False, True]
    assert all(torch.equal(before[n], v) for n, v in model.state_dict().items())


class Slow(IterableDataset[int]):
    """One sample at once, the next one after a while."""

    def __iter__(self) -> Iterator[int]:
        yield 0
        time.sleep(60)
        yield 1


@dataclass
class Drawing(Task):
    model: nn.Module
    settings: TaskSettings

    _pretrained: Any = ()
    _frozen: Any = None
    _prepared: Any = None
    _blank: Any = None
    step: Any = None
    validate: Any = None
    publish: Any = None

    def _loader(self, size: int) -> Iterator[Any]:
        return self._drawing(Slow(), 2, batch_size=None)


def test_what_draws_samples_ends_with_the_training() -> None:
    before = set(multiprocessing.active_children())
    task = Drawing(network(), TaskSettings(workers=1))
    assert next(task._stream(0)) == 0
    (drawing,) = set(multiprocessing.active_children()) - before
    started = time.perf_counter()
    task.close()
    gc.collect()
    drawing.join(10)
    assert not drawing.is_alive()
    # In torch's own way it takes 5 s and more.
    assert time.perf_counter() - started < 4
    task.close()
