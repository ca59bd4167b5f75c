"""Running EdgeFlow in torch, and exporting it to ONNX."""

import copy
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional

from napari_edgeflow.engine.checkpoints.checkpoint import (
    ONNX_DIGEST,
    Checkpoint,
    as_float,
    file_digest,
    load_edgeflow,
    save_edgeflow,
    stored,
)
from napari_edgeflow.engine.networks.edgeflow import EdgeFlow
from napari_edgeflow.engine.networks.edgeflow_export import for_export
from napari_edgeflow.engine.system.files import replacing

ONNX_OPSET = 17

Module = TypeVar("Module", bound=nn.Module)


class TorchNetwork:
    """EdgeFlow on a torch device; half precision and channels-last on CUDA."""

    def __init__(self, model: EdgeFlow, device: str) -> None:
        self.device = device
        self._model = model.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str) -> "TorchNetwork":
        """Return the network of a checkpoint; errors as :func:`load_edgeflow`."""
        return cls(load_edgeflow(checkpoint), device)

    @torch.inference_mode()
    def __call__(
        self, image: NDArray[np.uint8], interaction: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return (h, w) float32 probabilities; see :class:`runtime.Network`."""
        pixels = torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float32))
        maps = torch.from_numpy(interaction[None])
        half = self.device == "cuda"
        with torch.autocast(self.device, dtype=torch.float16, enabled=half):
            output = self._model((pixels / 255).to(self.device), maps.to(self.device))
        result: NDArray[np.float32] = output.fine.float().sigmoid()[0, 0].cpu().numpy()
        return result


class _Probabilities(nn.Module):
    """What is exported: image and interaction to probabilities."""

    def __init__(self, model: EdgeFlow) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor, interaction: Tensor) -> Tensor:
        return torch.sigmoid(self.model(image, interaction).fine)


def rounded(model: Module) -> Module:
    """Return a float32 copy on the CPU, with the values that checkpoints keep."""
    twin = copy.deepcopy(model).cpu().eval()
    state = {k: as_float(stored(v)) for k, v in twin.state_dict().items()}
    twin.load_state_dict(state)
    return twin


def write_model(model: EdgeFlow, path: Path, facts: Mapping[str, str]) -> None:
    """Write a network as half-precision safetensors and, beside it, as ONNX.

    The export is made of the weights as they are stored, so that both give the
    same probabilities; the checkpoint records its digest.
    """
    onnx = path.with_suffix(".onnx")
    # The export is put in place last: if the disk is full, both of before are kept.
    with replacing(onnx) as partial:
        export_onnx(rounded(model), partial)
        save_edgeflow(model, path, {**facts, ONNX_DIGEST: file_digest(partial)})


class _PaddedConvolution(torch.autograd.Function):
    """A convolution padded by different amounts at both ends, as ONNX has it.

    torch pads such a convolution in a step of its own, which ONNX Runtime then runs
    as one; written as ONNX's Conv the padding costs nothing.
    """

    @staticmethod
    def symbolic(
        graph: Any,
        inputs: Any,
        weight: Any,
        padding: list[int],
        stride: tuple[int, int],
        groups: int,
    ) -> Any:
        """Return the ONNX node."""
        return graph.op(
            "Conv",
            inputs,
            weight,
            pads_i=padding,
            strides_i=list(stride),
            group_i=groups,
        )

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        weight: Tensor,
        padding: list[int],
        stride: tuple[int, int],
        groups: int,
    ) -> Tensor:
        """Return the convolution; ``padding`` is top, left, bottom, right."""
        top, left, bottom, right = padding
        padded = functional.pad(inputs, (left, right, top, bottom))
        return functional.conv2d(padded, weight, None, stride, groups=groups)


class _FixedSame(nn.Module):
    """TensorFlow's "same" convolution, for inputs whose sides its stride divides.

    timm works the padding out from the input's size; here it is always the same.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.weight = convolution.weight
        self.stride = (int(convolution.stride[0]), int(convolution.stride[1]))
        self.groups = convolution.groups
        total = [
            k - s for k, s in zip(convolution.kernel_size, self.stride, strict=True)
        ]
        self.padding = [t // 2 for t in total] + [t - t // 2 for t in total]

    def forward(self, inputs: Tensor) -> Tensor:
        result: Tensor = _PaddedConvolution.apply(
            inputs, self.weight, self.padding, self.stride, self.groups
        )
        return result


def _is_plain(convolution: nn.Conv2d) -> bool:
    return convolution.bias is None and tuple(convolution.dilation) == (1, 1)


def with_fixed_padding(model: Module) -> Module:
    """Return a copy for inputs whose sides are multiples of 32."""
    twin = copy.deepcopy(model)
    for name, module in list(twin.named_modules()):
        if isinstance(module, Conv2dSame) and _is_plain(module):
            twin.set_submodule(name, _FixedSame(module))
    return twin


def export_onnx(model: EdgeFlow, path: Path) -> None:
    """Write a float32 network on the CPU as ONNX, for sides of multiples of 32."""
    network = _Probabilities(with_fixed_padding(for_export(model)))
    inputs = {name: torch.zeros(1, 3, 64, 64) for name in ("image", "interaction")}
    export_module(network, inputs, "probabilities", path)


def export_module(
    module: nn.Module, inputs: Mapping[str, Tensor], output: str, path: Path
) -> None:
    """Write a module as ONNX; number, height and width of its inputs stay free.

    Parameters
    ----------
    module : nn.Module
        In float32 on the CPU.
    inputs : mapping
        Example inputs (N, C, H, W) by name, in the order of ``forward``.
    output : str
        Name of its result.
    path : Path
        The file to write.
    """
    axes = {name: {0: "n", 2: "h", 3: "w"} for name in (*inputs, output)}
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, but the new one needs a further
        # package and gives the same graph.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            tuple(inputs.values()),
            str(path),
            dynamo=False,
            opset_version=ONNX_OPSET,
            input_names=list(inputs),
            output_names=[output],
            dynamic_axes=axes,
        )
