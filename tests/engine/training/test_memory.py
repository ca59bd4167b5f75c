from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from tests.engine.training.line_task import SHORT, LineTask

from napari_edgeflow.engine.training import memory as train_memory
from napari_edgeflow.engine.training.memory import fit, free_memory, go_on_smaller
from napari_edgeflow.engine.training.run import TrainingRun

GB = 10**9
CPU, CUDA, MPS = (torch.device(name) for name in ("cpu", "cuda", "mps"))


class LargeTask(LineTask):
    """Needs as many GB as it has crops."""

    def __init__(self, crops: int) -> None:
        super().__init__()
        self.crops = crops

    def memory_needed(self) -> int:
        return self.crops * GB

    def shrink(self) -> str | None:
        if self.crops == 2:
            return None
        self.crops //= 2
        return f"{self.crops} crops"


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What is free, in bytes; to be changed."""
    found = {"cpu": 10 * GB}
    monkeypatch.setattr(train_memory, "free_memory", lambda d: found[d.type])
    return found


def run_of(crops: int, folder: Path) -> TrainingRun:
    fabric = Fabric(accelerator="cpu", devices=1)
    return TrainingRun(LargeTask(crops), SHORT, folder, fabric)


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize(
    ("planned", "told"),
    [
        (9, []),
        (
            16,
            [
                "a step would take 16.0 GB of memory, 9.0 GB are free: "
                "going on with 8 crops"
            ],
        ),
    ],
)
def test_a_tenth_is_left_to_others(
    planned: int, told: list[str], tmp_path: Path
) -> None:
    assert list(fit(run_of(planned, tmp_path))) == told


def test_the_smallest_step_is_tried_though_it_may_not_fit(
    free: dict[str, int], tmp_path: Path
) -> None:
    free["cpu"] = GB
    run = run_of(8, tmp_path)
    (told,) = fit(run)
    assert told.endswith("going on with 2 crops")
    assert list(fit(run)) == []


@pytest.mark.usefixtures("free")
def test_processes_share_the_memory_and_decide_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    run = run_of(8, tmp_path)
    # Of two machines, on the other of which less is free.
    run.fabric = SimpleNamespace(  # type: ignore[assignment]
        world_size=4,
        device=CPU,
        autocast=run.fabric.autocast,
        all_gather=lambda mine: torch.stack([mine, mine / 2]),
    )
    (told,) = fit(run)
    assert told.endswith("2.2 GB are free: going on with 2 crops")


def test_others_would_wait_for_a_process_that_goes_on_smaller(tmp_path: Path) -> None:
    run = run_of(8, tmp_path)
    assert go_on_smaller(run) == "out of memory: going on with 4 crops"
    run.fabric = SimpleNamespace(world_size=2, device=CPU)  # type: ignore[assignment]
    with pytest.raises(ValueError, match="not enough memory for this batch"):
        go_on_smaller(run)


def container(folder: Path, limit: str) -> Path:
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text("700\n")
    (folder / "memory.stat").write_text("anon 400\ninactive_file 200\n")
    return folder


def test_a_container_gives_no_more_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = SimpleNamespace(available=5000)
    monkeypatch.setattr(train_memory.psutil, "virtual_memory", lambda: machine)
    for limit, expected in (("1000", 500), ("max", 5000), ("90000", 5000), ("100", 0)):
        monkeypatch.setattr(train_memory, "_GROUP", container(tmp_path, limit))
        assert free_memory(CPU) == expected
    monkeypatch.setattr(train_memory, "_GROUP", tmp_path / "none")
    assert free_memory(CPU) == 5000


def test_what_a_gpu_holds_in_reserve_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(owner: Any, **values: Any) -> None:
        for name, value in values.items():
            monkeypatch.setattr(owner, name, lambda *_, value=value: value)

    fake(
        torch.cuda,
        mem_get_info=(600, 1000),
        memory_reserved=300,
        memory_allocated=250,
    )
    assert free_memory(CUDA) == 650
    fake(torch.mps, recommended_max_memory=900, driver_allocated_memory=400)
    assert free_memory(MPS) == 500
