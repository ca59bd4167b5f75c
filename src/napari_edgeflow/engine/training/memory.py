"""Training within the memory there is: as planned, or less at a time."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import torch
from lightning_fabric import Fabric

from napari_edgeflow.engine.training.parallel import processes_here
from napari_edgeflow.engine.training.run import TrainingRun

_KEPT_FREE = 0.1
"""Share of the free memory that other programs may want meanwhile."""

_GROUP = Path("/sys/fs/cgroup")
"""Where Linux says what a container may use."""


def fit(run: TrainingRun) -> Iterator[str]:
    """Make the batch and the crops fit into the memory that is free; say so.

    Before the first step. All processes of a run decide alike.

    Yields
    ------
    str
        What was changed, for a person; nothing if all fits.
    """
    now, free = None, _free_for_each(run.fabric)
    planned = needed = _needed(run)
    while needed > free and (smaller := run.task.shrink()) is not None:
        now, needed = smaller, _needed(run)
    if now is not None:
        yield (
            f"a step would take {planned / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB "
            f"are free: going on with {now}"
        )


def _needed(run: TrainingRun) -> int:
    with run.fabric.autocast():
        return run.task.memory_needed()


def go_on_smaller(run: TrainingRun) -> str:
    """Go on after memory ran out; the step that failed has changed no weight.

    Returns
    -------
    str
        With what, for a person.

    Raises
    ------
    ValueError
        If it cannot be less, or other processes wait for this one.
    """
    run.optimizer.zero_grad(set_to_none=True)
    if run.fabric.device.type == "cuda":
        torch.cuda.empty_cache()
    # The others wait for this process in a step that it has not finished.
    smaller = None if run.fabric.world_size > 1 else run.task.shrink()
    if smaller is None:
        raise ValueError(
            "there is not enough memory for this batch: use a smaller --batch or "
            "--size, or another --device; the last checkpoint is kept"
        )
    run.intact = True
    return f"out of memory: going on with {smaller}"


def _free_for_each(fabric: Fabric) -> float:
    """Return the bytes that each process may use: those of the one with the fewest."""
    free = (1 - _KEPT_FREE) * free_memory(fabric.device)
    if fabric.device.type == "cpu":
        free /= processes_here()
    if fabric.world_size == 1:
        return free
    mine = torch.tensor(free, dtype=torch.float64, device=fabric.device)
    every = fabric.all_gather(mine)
    return float(torch.as_tensor(every).min())


def free_memory(device: torch.device) -> int:
    """Return the bytes that a device can still give to this process."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        reserved = torch.cuda.memory_reserved(device)
        return int(free + reserved - torch.cuda.memory_allocated(device))
    if device.type == "mps":
        used = torch.mps.driver_allocated_memory()
        return int(torch.mps.recommended_max_memory() - used)
    available = int(psutil.virtual_memory().available)
    limit = _left_in_group(_GROUP)
    return available if limit is None else min(available, limit)


def _left_in_group(group: Path) -> int | None:
    """Return the bytes that a container may still take, None without a limit."""
    try:
        limit, used = (
            int((group / name).read_text()) for name in ("memory.max", "memory.current")
        )
        facts = (group / "memory.stat").read_text().split()
    # No such file, or no number: "max".
    except (OSError, ValueError):
        return None
    # Files that were read stay in memory until it is wanted.
    cached = dict(zip(facts[::2], facts[1::2], strict=True)).get("inactive_file", "0")
    return max(limit - used + int(cached), 0)
