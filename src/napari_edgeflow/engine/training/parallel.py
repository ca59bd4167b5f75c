"""One process or several: Lightning Fabric set up for where training runs."""

import os
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from numpy.typing import NDArray
from timm.layers.norm_act import convert_sync_batchnorm
from torch import Tensor, nn

if TYPE_CHECKING:
    from lightning_fabric.strategies.strategy import Strategy

_Module = TypeVar("_Module", bound=nn.Module)


def make_fabric(device: str) -> Fabric:
    """Return what places modules, gradients and sums; ready to use.

    Under ``torchrun`` each of its processes gets its share of the batch, and its own
    GPU where there are some. Numbers are half precision on CUDA where that is safe.
    """
    world, local = int(os.environ.get("WORLD_SIZE", 1)), processes_here()
    strategy: str | Strategy = "auto"
    if world > 1:
        # Encoders of timm come with layers that segmentation does not use.
        strategy = DDPStrategy(find_unused_parameters=True)
    fabric = Fabric(
        accelerator="gpu" if device == "cuda" else device,
        devices=local,
        num_nodes=world // local,
        strategy=strategy,
        precision=_precision(device),
        # Said outright: Fabric would take any job of a cluster's scheduler for one
        # that it shares with other processes.
        plugins=[TorchElasticEnvironment() if world > 1 else LightningEnvironment()],
    )
    fabric.launch()
    return fabric


def processes_here() -> int:
    """Return how many processes of a run share this machine."""
    world = os.environ.get("WORLD_SIZE", 1)
    return int(os.environ.get("LOCAL_WORLD_SIZE", world))


def _precision(device: str) -> Literal["32-true", "bf16-mixed", "16-mixed"]:
    """Return Fabric's name of the numbers to compute with."""
    if device != "cuda":
        return "32-true"
    # Older GPUs have only float16, whose gradients Fabric scales.
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16-mixed" if native else "16-mixed"


def with_shared_statistics(module: _Module, fabric: Fabric) -> _Module:
    """Return a module whose normalisations see the batches of all processes.

    Parameters and statistics are the same tensors as before. torch has this for
    CUDA only; elsewhere, and in a single process, the module is returned as it is.
    """
    if fabric.world_size == 1 or fabric.device.type != "cuda":
        return module
    shared: _Module = convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
    return shared


def set_up(module: nn.Module, fabric: Fabric) -> nn.Module:
    """Return what runs a module forward where training runs, on the module's device."""
    shared = with_shared_statistics(module, fabric)
    return fabric.setup_module(shared, move_to_device=False)


def share_of_batch(batch: int, fabric: Fabric) -> int:
    """Return the samples of a batch that each process handles.

    Raises
    ------
    ValueError
        If the batch cannot be shared out.
    """
    if batch < 1 or batch % fabric.world_size:
        raise ValueError(
            f"batch {batch} cannot be shared out to {fabric.world_size} processes: "
            "use a multiple of that number"
        )
    return batch // fabric.world_size


def weight_of(counted: Tensor, fabric: Fabric | None) -> Tensor:
    """Return the weight of a process's mean in the mean over all processes.

    Gradients of all processes are averaged as if each had as much to average over;
    where it is pixels that count, they have not.

    Parameters
    ----------
    counted : Tensor
        How many values the mean of this process is over; a scalar.
    fabric : Fabric or None
        The processes; None for a single one.
    """
    if fabric is None or fabric.world_size == 1:
        return torch.ones((), device=counted.device)
    mine = counted.float()
    mean = fabric.all_reduce(mine.clone(), reduce_op="mean")
    return mine / mean.clamp(min=1)  # type: ignore[union-attr]


def summed(values: NDArray[Any], fabric: Fabric) -> NDArray[Any]:
    """Return the sums of an array over all processes, of an integer or float32 type."""
    if fabric.world_size == 1:
        return values
    whole = values.dtype.kind in "ui"
    # Some devices have no numbers of double precision.
    mine = torch.from_numpy(values if whole else values.astype(np.float32))
    total = fabric.all_reduce(mine.to(fabric.device), reduce_op="sum")
    result: NDArray[Any] = total.cpu().numpy()  # type: ignore[union-attr]
    return result
