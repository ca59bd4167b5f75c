import copy
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import load_file, save_file
from segmentation_models_pytorch.base import SegmentationModel
from tests.engine.colour_network import colour_facts

from napari_edgeflow.engine.checkpoints.checkpoint import (
    CONFIG_FILE,
    FORMAT,
    MODEL_FILE,
    SEMANTIC_TASK,
    find_checkpoint,
)
from napari_edgeflow.engine.checkpoints.semantic import (
    encoder_statistics,
    load_semantic,
    semantic_facts,
    write_semantic,
)
from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.runtime.semantic import OnnxSemanticNetwork, read_facts
from napari_edgeflow.engine.runtime.semantic_torch import TorchSemanticNetwork
from napari_edgeflow.engine.segmentation.segmenter import (
    PredictSettings,
    SemanticSegmenter,
)

ENCODER = "tu-test_efficientnet"
NEAR = PredictSettings(overlap=16)


@pytest.fixture
def saved(published: Path, tmp_path: Path) -> Path:
    """A folder with the tiny network, to be played with."""
    return Path(shutil.copytree(published, tmp_path / "saved"))


@pytest.fixture
def of_smp(tiny_semantic: SegmentationModel, tmp_path: Path) -> Path:
    """A folder as smp writes it."""
    copy.deepcopy(tiny_semantic).save_pretrained(tmp_path / "smp")
    return tmp_path / "smp"


def metadata_of(folder: Path) -> dict[str, str]:
    return find_checkpoint(folder, SEMANTIC_TASK).metadata


def rewrite(folder: Path, **changes: str | None) -> None:
    """Change the metadata of a checkpoint; None takes an entry away."""
    metadata = {**metadata_of(folder), **changes}
    tensors = load_file(folder / MODEL_FILE)
    kept = {k: v for k, v in metadata.items() if v is not None}
    save_file(tensors, folder / MODEL_FILE, kept)


def image(shape: tuple[int, ...] = (64, 64, 3)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def test_a_checkpoint_is_written_and_read_again(
    saved: Path, tiny_semantic: SegmentationModel
) -> None:
    assert sorted(os.listdir(saved)) == [CONFIG_FILE, "model.onnx", MODEL_FILE]
    for place in (saved, saved / MODEL_FILE, str(saved)):
        checkpoint = find_checkpoint(place, SEMANTIC_TASK)
        assert checkpoint.name == "saved"
        assert checkpoint.onnx == saved / "model.onnx"
        assert checkpoint.metadata["steps"] == "7"
        assert semantic_facts(checkpoint) == read_facts(checkpoint) == colour_facts()
    loaded = load_semantic(checkpoint)
    assert not loaded.training
    assert type(loaded) is type(tiny_semantic)
    for name, tensor in tiny_semantic.state_dict().items():
        found = loaded.state_dict()[name]
        assert found.dtype == tensor.dtype
        assert torch.allclose(found.float(), tensor.float(), rtol=1e-3, atol=1e-6)


def test_weights_are_kept_in_half_precision_where_they_fit(
    tiny_semantic: SegmentationModel, tmp_path: Path
) -> None:
    model = copy.deepcopy(tiny_semantic)
    with torch.no_grad():
        model.segmentation_head[0].bias += 1e5
    write_semantic(model, colour_facts(), tmp_path, {})
    tensors = load_file(tmp_path / MODEL_FILE)
    assert tensors["segmentation_head.0.weight"].dtype == torch.float16
    assert tensors["segmentation_head.0.bias"].dtype == torch.float32
    assert any(tensor.dtype == torch.int64 for tensor in tensors.values())
    loaded = load_semantic(find_checkpoint(tmp_path, SEMANTIC_TASK))
    assert torch.equal(
        loaded.segmentation_head[0].bias, model.segmentation_head[0].bias
    )


def test_smp_loads_what_is_written_here(
    saved: Path, tiny_semantic: SegmentationModel
) -> None:
    in_smp = smp.from_pretrained(saved).eval()
    ours = load_semantic(find_checkpoint(saved, SEMANTIC_TASK))
    pixels = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        logits = in_smp(pixels)
        assert torch.equal(logits, ours(pixels))
        difference = (logits - tiny_semantic(pixels)).abs().max()
    assert logits.std() > 0.5
    assert difference < 0.02


def test_a_folder_of_smp_is_loaded_with_numbered_classes(
    of_smp: Path, tiny_semantic: SegmentationModel
) -> None:
    segmenter = SemanticSegmenter.from_pretrained(of_smp)
    assert segmenter.name == "smp"
    assert [c.name for c in segmenter.classes] == ["class 1", "class 2", "class 3"]
    assert segmenter.facts.class_ids == (0, 1, 2, 3)
    assert segmenter.facts.mean == (0.485, 0.456, 0.406)
    assert isinstance(segmenter._network, TorchSemanticNetwork)
    expected = SemanticSegmenter(
        TorchSemanticNetwork(tiny_semantic, segmenter.facts, "cpu"), segmenter.facts
    )
    found = segmenter.predict(image(), NEAR)
    assert np.array_equal(found, expected.predict(image(), NEAR))
    assert len(np.unique(found)) > 1


@pytest.mark.parametrize(
    ("encoder", "mean", "std"),
    [
        ("resnet34", 0.485, 0.229),
        ("mit_b0", 0.485, 0.229),
        ("timm-efficientnet-b0", 0.485, 0.229),
        ("xception", 0.5, 0.5),
        ("inceptionv4", 0.5, 0.5),
        ("timm-tf_efficientnet_lite0", 0.5, 0.5),
        ("dpn68", 124 / 255, 1 / (0.0167 * 255)),
        ("tu-tf_efficientnet_lite0", 0.5, 0.5),
        ("tu-resnet18", 0.485, 0.229),
        # Without weights in timm, but an encoder all the same.
        ("tu-test_vit4", 0.5, 0.5),
    ],
)
def test_statistics_of_encoders_need_no_network(
    encoder: str, mean: float, std: float
) -> None:
    means, deviations = encoder_statistics(encoder, 3)
    assert len(means) == len(deviations) == 3
    assert (means[0], deviations[0]) == pytest.approx((mean, std))
    grey = encoder_statistics(encoder, 1)
    assert grey == ((pytest.approx(sum(means) / 3),), (pytest.approx(std, abs=0.01),))


@pytest.mark.parametrize("name", ["tu-nope", "resnet3", "tu-test_efficientnet.nope"])
def test_an_unknown_encoder_is_named(saved: Path, of_smp: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"unknown encoder '{name}'"):
        encoder_statistics(name, 3)
    config = json.loads((saved / CONFIG_FILE).read_text())
    config["encoder_name"] = name
    rewrite(saved, config=json.dumps(config), onnx_sha256=None)
    (of_smp / CONFIG_FILE).write_text(json.dumps(config))
    for folder in (saved, of_smp):
        with pytest.raises(ValueError, match=name):
            SemanticSegmenter.from_pretrained(folder, "cpu")


def single(**arguments: Any) -> SegmentationModel:
    torch.manual_seed(0)
    channels = (8, 8, 4, 4, 4)
    return smp.Unet(
        ENCODER, encoder_weights=None, decoder_channels=channels, **arguments
    ).eval()


def test_a_network_with_one_output_has_two_classes(tmp_path: Path) -> None:
    model = single(classes=1)
    model.save_pretrained(tmp_path)
    segmenter = SemanticSegmenter.from_pretrained(tmp_path)
    assert segmenter.facts.class_ids == (0, 1)
    probabilities = segmenter.predict_probabilities(image(), NEAR)
    assert probabilities.shape == (2, 64, 64)
    np.testing.assert_allclose(probabilities.sum(0), 1, atol=1e-6)
    mean, std = (np.array(v, np.float32) for v in encoder_statistics(ENCODER, 3))
    pixels = torch.from_numpy(((image() / np.float32(255) - mean) / std)[None])
    with torch.inference_mode():
        expected = torch.sigmoid(model(pixels.permute(0, 3, 1, 2)))[0, 0]
    np.testing.assert_allclose(probabilities[1], expected.numpy(), atol=1e-5)
    labels = segmenter.predict(image(), NEAR)
    assert np.array_equal(labels, expected.numpy() > 0.5)


def test_a_network_of_grey_images_takes_grey_and_colour(tmp_path: Path) -> None:
    single(in_channels=1, classes=2).save_pretrained(tmp_path)
    segmenter = SemanticSegmenter.from_pretrained(tmp_path)
    assert segmenter.facts.channels == 1
    grey = image((64, 64))
    probabilities = segmenter.predict_probabilities(grey, NEAR)
    same = segmenter.predict_probabilities(np.repeat(grey[..., None], 3, axis=2), NEAR)
    np.testing.assert_array_equal(probabilities, same)
    assert np.std(probabilities) > 1e-4
    assert segmenter.predict(image(), NEAR).shape == (64, 64)


def test_a_network_of_four_channels_is_refused(tmp_path: Path) -> None:
    single(in_channels=4, classes=2).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="4 input channels cannot be used") as caught:
        SemanticSegmenter.from_pretrained(tmp_path)
    assert "\n" not in str(caught.value)


def damage_tensors(folder: Path) -> None:
    path = folder / MODEL_FILE
    path.write_bytes(path.read_bytes()[:-1000])


def damage_export(folder: Path) -> None:
    path = folder / "model.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def name_other_classes(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    rewrite(folder, **colour_facts((0, 1, 2)).to_metadata())


def drop_a_tensor(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    metadata = metadata_of(folder)
    tensors = load_file(folder / MODEL_FILE)
    del tensors["segmentation_head.0.bias"]
    save_file(tensors, folder / MODEL_FILE, metadata)


def change_config(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "model.onnx").unlink()
        config = {**json.loads(metadata_of(folder)["config"]), **changes}
        rewrite(folder, config=json.dumps(config))

    return change


def write_config(text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "model.onnx").unlink()
        rewrite(folder, config=text)

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_tensors, "is no safetensors file"),
        (damage_export, "not the export that belongs to"),
        (name_other_classes, "a network of 4 classes and names 3"),
        (drop_a_tensor, "does not hold the network that its configuration names"),
        (change_config(_model_class="Unet3000"), "unknown architecture 'Unet3000'"),
        (change_config(_model_class=None), "unknown architecture"),
        (change_config(classes=5), "a network of 5 classes and names 4"),
        (change_config(colour="red"), "cannot build DeepLabV3Plus .*colour"),
        (change_config(decoder_channels=32), "does not hold the network"),
        (change_config(checkpoint_path="a.pth"), "the argument checkpoint_path is not"),
        (
            change_config(encoder_name="tu-hf-hub:a/b"),
            "unknown encoder 'tu-hf-hub:a/b'",
        ),
        (change_config(decoder_channels=10**6), "does not hold the network"),
        (change_config(decoder_channels={"a": 1}), "cannot build DeepLabV3Plus"),
        (change_config(classes=float("inf")), "classes is inf"),
        (change_config(decoder_atrous_rates=[1] * 10**5), "configuration is"),
        (write_config("[" * 10**5), "configuration is"),
        (write_config("{"), "configuration is damaged"),
        (write_config("[1]"), r"configuration is \[1\]"),
        (lambda folder: rewrite(folder, config=None), "not a checkpoint of napari"),
        (lambda folder: rewrite(folder, format="other"), "not a checkpoint of napari"),
        (lambda folder: rewrite(folder, classes=None), "does not say .*'classes'"),
        (lambda folder: rewrite(folder, input=None), "does not say .*'input'"),
        (lambda folder: rewrite(folder, input="{}"), "does not say"),
    ],
)
def test_a_damaged_checkpoint_is_refused(
    saved: Path, damage: Callable[[Path], None], message: str
) -> None:
    # Without smp's record there is nothing to fall back on.
    (saved / CONFIG_FILE).unlink()
    damage(saved)
    with pytest.raises(ValueError, match=message):
        SemanticSegmenter.from_pretrained(saved, "cpu")


@pytest.mark.parametrize("text", ["{", "[]", "{}", "\ud800", "[" * 10**5])
def test_a_damaged_record_of_smp_is_refused(of_smp: Path, text: str) -> None:
    path = of_smp / CONFIG_FILE
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match=r"cannot read .*\.json|not a checkpoint"):
        find_checkpoint(of_smp, SEMANTIC_TASK)


def test_an_export_of_another_kind_is_refused(saved: Path) -> None:
    from napari_edgeflow.engine.checkpoints.checkpoint import WEIGHTS_FOLDER

    with pytest.raises(ValueError, match="it is another network's export"):
        OnnxSemanticNetwork(WEIGHTS_FOLDER / "edgeflow-lite.onnx", 4)
    with pytest.raises(ValueError, match="cannot be loaded as an ONNX network"):
        OnnxSemanticNetwork(saved / CONFIG_FILE, 4)


class _Boom:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (os.environ["BOOM"],)


def test_a_pickle_with_code_is_refused_and_runs_nothing(
    saved: Path, of_smp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    monkeypatch.setenv("BOOM", str(ran))
    torch.save({"model": _Boom()}, tmp_path / "evil.pth")
    for path in (saved / MODEL_FILE, of_smp / MODEL_FILE, tmp_path / "evil.pt"):
        path.write_bytes(pickle.dumps(_Boom()))
    for place in (saved, of_smp, tmp_path / "evil.pt", tmp_path / "evil.pth"):
        with pytest.raises(ValueError, match="only safetensors"):
            SemanticSegmenter.from_pretrained(place)
    assert not ran.exists()


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no model '.*': use deeplabv3plus-lite0-voc"):
        SemanticSegmenter.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match="no model 'huge'"):
        SemanticSegmenter.from_pretrained("huge")


def test_models_for_clicks_and_for_classes_are_not_confused(saved: Path) -> None:
    with pytest.raises(ValueError, match="model for clicks, not for automatic"):
        SemanticSegmenter.from_pretrained("edgeflow-lite")
    for place in (saved, "deeplabv3plus-lite0-voc"):
        with pytest.raises(ValueError, match="for automatic segmentation, not for cl"):
            ClickSegmenter.from_pretrained(place)


def test_a_task_from_the_future_is_named(saved: Path) -> None:
    assert metadata_of(saved)["format"] == FORMAT
    rewrite(saved, task="dreams")
    with pytest.raises(ValueError, match=r"a model for .dreams."):
        SemanticSegmenter.from_pretrained(saved)


def test_an_unknown_device_is_refused(saved: Path) -> None:
    with pytest.raises(ValueError, match="unknown device 'tpu'"):
        SemanticSegmenter.from_pretrained(saved, "tpu")
