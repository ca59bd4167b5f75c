import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from numpy.typing import NDArray
from segmentation_models_pytorch.base import SegmentationModel
from tests.engine.colour_network import colour_facts
from torch.nn import functional

from napari_edgeflow.engine.checkpoints.checkpoint import SEMANTIC_TASK, find_checkpoint
from napari_edgeflow.engine.checkpoints.semantic import load_semantic
from napari_edgeflow.engine.checkpoints.semantic_facts import SemanticFacts
from napari_edgeflow.engine.networks.semantic import head_upsampling
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.runtime.network import DeviceMemoryError
from napari_edgeflow.engine.runtime.semantic import (
    OnnxSemanticNetwork,
    load_semantic_network,
)
from napari_edgeflow.engine.runtime.semantic_torch import (
    TorchSemanticNetwork,
    export_semantic,
    publish_semantic,
)
from napari_edgeflow.engine.segmentation.segmenter import (
    PredictSettings,
    SemanticSegmenter,
)
from napari_edgeflow.engine.segmentation.tiles import TileScores

FACTS = colour_facts()
SHAPES = [(1, 64, 64), (3, 32, 96), (1, 160, 128)]


def pictures(shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return images (N, H, W, 3) that are smooth here and busy there."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (*shape, 3), np.uint8)
    images[:, : shape[1] // 2] = images[:, :1, :1]
    return images


def by_smp(
    model: SegmentationModel, facts: SemanticFacts, images: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Return probabilities at the size of the images, by smp and torch alone."""
    mean, std = (np.array(v, np.float32) for v in (facts.mean, facts.std))
    pixels = torch.from_numpy((images.astype(np.float32) / 255 - mean) / std)
    with torch.inference_mode():
        features = model.encoder(pixels.permute(0, 3, 1, 2))
        logits = model.segmentation_head[0](model.decoder(features))
        found = functional.interpolate(
            logits.softmax(1), images.shape[1:3], mode="bilinear", align_corners=True
        )
    return found.numpy()


def enlarged(
    values: NDArray[np.float32], images: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Return a network's result at the size of its images, as predictions are."""
    seen = images.shape[1:3]
    whole = Window(0, 0, *seen)
    every = np.arange(values.shape[1])
    return np.stack(
        [TileScores(whole, ((one, seen),)).sample(whole, every) for one in values]
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_the_export_and_torch_agree(published: Path, shape: tuple[int, ...]) -> None:
    checkpoint = find_checkpoint(published, SEMANTIC_TASK)
    onnx = load_semantic_network(checkpoint, "cpu")
    assert isinstance(onnx, OnnxSemanticNetwork)
    in_torch = TorchSemanticNetwork.load(checkpoint, "cpu")
    assert onnx.device == in_torch.device == "cpu"
    images = pictures(shape)
    first, second = onnx(images), in_torch(images)
    assert first.dtype == second.dtype == np.float32
    # The final enlargement, four times each way, is left out.
    assert first.shape == (shape[0], 4, shape[1] // 4, shape[2] // 4)
    assert np.std(first) > 0.05
    assert np.abs(first - second).max() < 1e-4
    np.testing.assert_allclose(first.sum(1), 1, atol=1e-5)


def test_padding_as_in_tensorflow_is_exported(
    lite_semantic: SegmentationModel, tmp_path: Path
) -> None:
    export_semantic(lite_semantic, FACTS, tmp_path / "lite.onnx")
    onnx = OnnxSemanticNetwork(tmp_path / "lite.onnx", 4)
    in_torch = TorchSemanticNetwork(lite_semantic, FACTS, "cpu")
    for shape in SHAPES:
        images = pictures(shape)
        assert np.std(onnx(images)) > 0.05
        assert np.abs(onnx(images) - in_torch(images)).max() < 1e-4


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_what_smp_gives(
    tiny_semantic: SegmentationModel, shape: tuple[int, int, int]
) -> None:
    images = pictures(shape)
    found = TorchSemanticNetwork(tiny_semantic, FACTS, "cpu")(images)
    expected = by_smp(tiny_semantic, FACTS, images)
    assert np.abs(enlarged(found, images) - expected).max() < 1e-4


def test_where_smp_does_not_enlarge_it_is_its_own_forward() -> None:
    torch.manual_seed(0)
    model = smp.Unet("tu-test_resnet", encoder_weights=None, classes=4).eval()
    images = pictures((1, 64, 64))
    mean, std = (np.array(v, np.float32) for v in (FACTS.mean, FACTS.std))
    pixels = torch.from_numpy((images.astype(np.float32) / 255 - mean) / std)
    with torch.inference_mode():
        expected = model(pixels.permute(0, 3, 1, 2)).softmax(1).numpy()
    found = TorchSemanticNetwork(model, FACTS, "cpu")(images)
    assert np.abs(found - expected).max() < 1e-5


def test_the_model_is_not_changed(tiny_semantic: SegmentationModel) -> None:
    model = copy.deepcopy(tiny_semantic)
    pixels = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        before = model(pixels)
        TorchSemanticNetwork(model, FACTS, "cpu")(pictures((1, 64, 64)))
        assert torch.equal(model(pixels), before)


@pytest.mark.parametrize(
    ("architecture", "arguments", "step"),
    [
        ("Unet", {"decoder_channels": (16, 16, 8, 8, 8)}, 1),
        ("FPN", {"decoder_pyramid_channels": 32}, 4),
        ("Segformer", {"decoder_segmentation_channels": 32}, 4),
    ],
)
def test_other_architectures_are_exported(
    architecture: str, arguments: dict[str, Any], step: int, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    build = getattr(smp, architecture)
    model = build("tu-test_resnet", encoder_weights=None, classes=4, **arguments)
    publish_semantic(model.eval(), FACTS, tmp_path, {})
    checkpoint = find_checkpoint(tmp_path, SEMANTIC_TASK)
    onnx = load_semantic_network(checkpoint, "cpu")
    assert isinstance(onnx, OnnxSemanticNetwork)
    rounded = load_semantic(checkpoint)
    for shape in SHAPES:
        images = pictures(shape)
        found = onnx(images)
        assert found.shape[2:] == (shape[1] // step, shape[2] // step)
        in_torch = TorchSemanticNetwork(rounded, FACTS, "cpu")
        assert np.abs(found - in_torch(images)).max() < 1e-4
        expected = by_smp(rounded, FACTS, images)
        assert np.std(expected) > 1e-3
        assert np.abs(enlarged(found, images) - expected).max() < 1e-4


def test_what_onnx_cannot_express_is_run_by_torch(
    published: Path, tmp_path: Path
) -> None:
    # An export of another network, which must not stay.
    stale = tmp_path / "model.onnx"
    stale.write_bytes((published / "model.onnx").read_bytes())
    torch.manual_seed(0)
    model = smp.PSPNet("tu-test_resnet", encoder_weights=None, classes=4).eval()
    publish_semantic(model, FACTS, tmp_path, {"steps": "3"})
    assert not stale.exists()
    checkpoint = find_checkpoint(tmp_path, SEMANTIC_TASK)
    assert checkpoint.onnx is None
    assert checkpoint.metadata["steps"] == "3"
    segmenter = SemanticSegmenter.from_pretrained(tmp_path, "cpu")
    image = pictures((1, 64, 64))[0]
    found = segmenter.predict_probabilities(image, PredictSettings(overlap=16))
    expected = by_smp(load_semantic(checkpoint), FACTS, image[None])[0]
    assert np.abs(found - expected).max() < 1e-4


def test_without_an_export_torch_runs(
    published: Path, tmp_path: Path, tiny_semantic: SegmentationModel
) -> None:
    for name in ("model.safetensors", "config.json"):
        (tmp_path / name).write_bytes((published / name).read_bytes())
    network = load_semantic_network(find_checkpoint(tmp_path, SEMANTIC_TASK), "cpu")
    assert isinstance(network, TorchSemanticNetwork)
    images = pictures((1, 64, 64))
    whole = TorchSemanticNetwork(tiny_semantic, FACTS, "cpu")
    assert np.abs(network(images) - whole(images)).max() < 0.01


def test_a_full_device_is_told_from_other_errors(
    tiny_semantic: SegmentationModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = TorchSemanticNetwork(tiny_semantic, FACTS, "cpu")

    def fill(pixels: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("tried to allocate 7 GiB")

    monkeypatch.setattr(network, "_module", fill)
    with pytest.raises(DeviceMemoryError, match="7 GiB"):
        network(pictures((1, 64, 64)))


def test_logits_are_enlarged_as_probabilities_are() -> None:
    # What ``head_upsampling`` leaves out is this function of torch.
    model = smp.FPN("tu-test_resnet", encoder_weights=None, classes=2)
    name, factor = head_upsampling(model) or ("", 0)
    values = torch.rand(1, 2, 8, 8)
    expected = functional.interpolate(
        values, scale_factor=factor, mode="bilinear", align_corners=True
    )
    assert torch.equal(model.get_submodule(name)(values), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_the_cpu(published: Path) -> None:
    checkpoint = find_checkpoint(published, SEMANTIC_TASK)
    on_gpu = load_semantic_network(checkpoint, "auto")
    assert on_gpu.device == "cuda"
    images = pictures((2, 64, 96))
    difference = on_gpu(images) - load_semantic_network(checkpoint, "cpu")(images)
    assert np.abs(difference).max() < 2e-2
