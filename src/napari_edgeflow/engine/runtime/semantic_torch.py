"""Running semantic networks in torch, and exporting them to ONNX."""

import copy
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from segmentation_models_pytorch.base import SegmentationModel
from torch import Tensor, nn
from torch.onnx.errors import OnnxExporterError

from napari_edgeflow.engine.checkpoints.checkpoint import (
    MODEL_FILE,
    ONNX_DIGEST,
    Checkpoint,
    file_digest,
)
from napari_edgeflow.engine.checkpoints.semantic import (
    Normalisation,
    load_semantic,
    semantic_facts,
    write_semantic,
)
from napari_edgeflow.engine.checkpoints.semantic_facts import SemanticFacts
from napari_edgeflow.engine.networks.semantic import head_upsampling
from napari_edgeflow.engine.runtime.clicks_torch import (
    export_module,
    rounded,
    with_fixed_padding,
)
from napari_edgeflow.engine.runtime.network import INPUT, OUTPUT, DeviceMemoryError
from napari_edgeflow.engine.system.files import replacing


class SemanticProbabilities(nn.Module):
    """What is run and exported: images in 0..1 to probabilities of the classes.

    A final upsampling is left out; :class:`tiles.TileScores` does it, for the pixels
    that are wanted.
    """

    def __init__(self, model: SegmentationModel, facts: SemanticFacts) -> None:
        super().__init__()
        self.model = copy.deepcopy(model)
        upsampling = head_upsampling(model)
        if upsampling is not None:
            self.model.set_submodule(upsampling[0], nn.Identity())
        self.normalisation = Normalisation(facts)

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, C, h, w) probabilities of images (N, 3, H, W) in 0..1."""
        logits = self.model(self.normalisation(images))
        if logits.shape[1] > 1:
            return torch.softmax(logits.float(), dim=1)
        inside = torch.sigmoid(logits.float())
        return torch.cat([1 - inside, inside], dim=1)


class TorchSemanticNetwork:
    """A semantic network on a torch device; half precision on CUDA."""

    def __init__(
        self, model: SegmentationModel, facts: SemanticFacts, device: str
    ) -> None:
        self.device = device
        module = SemanticProbabilities(model, facts).eval()
        self._module = module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str) -> "TorchSemanticNetwork":
        """Return the network of a checkpoint; errors as :func:`load_semantic`."""
        return cls(load_semantic(checkpoint), semantic_facts(checkpoint), device)

    @torch.inference_mode()
    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return probabilities; see :class:`SemanticNetwork`."""
        try:
            pixels = torch.from_numpy(images).to(self.device).permute(0, 3, 1, 2)
            pixels = pixels.float() / 255
            half = self.device == "cuda"
            with torch.autocast(self.device, dtype=torch.float16, enabled=half):
                output = self._module(pixels)
            result: NDArray[np.float32] = output.float().cpu().numpy()
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise DeviceMemoryError(str(error)) from error
        return result


def export_semantic(model: SegmentationModel, facts: SemanticFacts, path: Path) -> None:
    """Write a float32 network on the CPU as ONNX, for sides of multiples of 32."""
    module = SemanticProbabilities(model, facts)
    module.model = with_fixed_padding(module.model)
    export_module(module, {INPUT: torch.zeros(1, 3, 64, 64)}, OUTPUT, path)


def publish_semantic(
    model: SegmentationModel,
    facts: SemanticFacts,
    output: Path,
    extra: Mapping[str, str],
) -> None:
    """Write a network as a folder with safetensors, smp's config, and ONNX.

    The export is made of the weights as they are stored, so that all give the same
    probabilities; the checkpoint records its digest. A network that ONNX cannot
    express is written without: torch runs it.
    """
    onnx = (output / MODEL_FILE).with_suffix(".onnx")
    try:
        # The export is put in place last: if the disk is full, the model and the
        # export from before are both kept.
        with replacing(onnx) as partial:
            export_semantic(rounded(model), facts, partial)
            digest = {ONNX_DIGEST: file_digest(partial)}
            write_semantic(model, facts, output, {**extra, **digest})
    except OnnxExporterError:
        onnx.unlink(missing_ok=True)
        write_semantic(model, facts, output, extra)
