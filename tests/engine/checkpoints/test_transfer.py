import copy

import pytest
import segmentation_models_pytorch as smp
import torch
from segmentation_models_pytorch.base import SegmentationModel
from tests.engine.colour_network import colour_facts
from tests.engine.conftest import settled

from napari_edgeflow.engine.checkpoints.semantic_facts import SemanticFacts
from napari_edgeflow.engine.checkpoints.transfer import (
    matching_outputs,
    with_other_classes,
)
from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.engine.networks.semantic import SemanticConfig

PIXELS = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def facts(*names: str, background: bool = True) -> SemanticFacts:
    entries = enumerate(names, 5)
    table = ClassTable(tuple(LabelClass(i, n, (0, 0, 9)) for i, n in entries))
    ids = tuple(entry.id for entry in table)
    return SemanticFacts(table, (0, *ids) if background else ids)


def config_of(model: SegmentationModel) -> SemanticConfig:
    arguments = {k: v for k, v in model.config.items() if not k.startswith("_")}
    return SemanticConfig(type(model).__name__, arguments)


def changed(
    model: SegmentationModel, found: SemanticFacts, wanted: SemanticFacts
) -> SegmentationModel:
    before = {k: v.clone() for k, v in model.state_dict().items()}
    torch.manual_seed(3)
    result = with_other_classes(model, config_of(model), found, wanted).eval()
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert int(result.config["classes"]) == len(wanted.class_ids)
    return result


def logits(model: SegmentationModel) -> torch.Tensor:
    with torch.inference_mode():
        return model.eval()(PIXELS)


def test_names_are_matched() -> None:
    found = ("background", "Cat ", "dog", "dog")
    assert matching_outputs(found, ("background", "dog", "cow", "cat")) == {
        0: 0,
        1: 2,
        3: 1,
    }


def test_classes_of_the_same_name_are_known_at_once(
    tiny_semantic: SegmentationModel,
) -> None:
    wanted = facts("blue", "violet", "red", "pink", "black")
    before = logits(tiny_semantic)
    after = logits(changed(tiny_semantic, colour_facts(), wanted))
    assert after.shape[1] == 6
    assert torch.allclose(after[:, [0, 1, 3]], before[:, [0, 3, 1]], atol=1e-5)
    assert not torch.allclose(after[:, 2], before[:, 2], atol=1e-2)


def test_the_same_number_of_classes_may_be_in_another_order(
    tiny_semantic: SegmentationModel,
) -> None:
    wanted = facts("green", "red", "blue")
    after = logits(changed(tiny_semantic, colour_facts(), wanted))
    expected = logits(tiny_semantic)[:, [0, 2, 1, 3]]
    assert torch.allclose(after, expected, atol=1e-5)


def test_the_background_may_be_left_out(tiny_semantic: SegmentationModel) -> None:
    wanted = facts("green", "red", background=False)
    after = logits(changed(tiny_semantic, colour_facts(), wanted))
    assert torch.allclose(after, logits(tiny_semantic)[:, [2, 1]], atol=1e-5)


def test_a_single_output_is_a_class_against_the_background() -> None:
    torch.manual_seed(0)
    single = settled(
        smp.Unet(
            "tu-test_efficientnet",
            encoder_weights=None,
            decoder_channels=(8, 8, 8, 8, 8),
            classes=1,
        )
    )
    before = logits(single).sigmoid()
    after = logits(changed(single, facts("cell"), facts("cell", "other")))
    chances = after[:, :2].softmax(1)
    assert torch.allclose(chances[:, 1:], before, atol=1e-5)


def test_a_head_without_convolution_is_told(tiny_semantic: SegmentationModel) -> None:
    odd = copy.deepcopy(tiny_semantic)
    odd.segmentation_head = torch.nn.Sequential(torch.nn.Identity())
    with pytest.raises(ValueError, match="does not end in a convolution"):
        with_other_classes(
            odd, config_of(tiny_semantic), colour_facts(), facts("a", "b")
        )
