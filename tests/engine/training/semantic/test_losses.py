import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from napari_edgeflow.engine.data.pairs import VOID
from napari_edgeflow.engine.training.semantic.losses import (
    LOSSES,
    SemanticLoss,
    parse_loss,
)

NAME = st.sampled_from(LOSSES)


@pytest.mark.parametrize(
    ("spec", "terms"),
    [
        ("ce", [("ce", 1)]),
        ("ce+0.5*dice", [("ce", 1), ("dice", 0.5)]),
        (" 2 * Focal + .25*lovasz + jaccard ",
         [("focal", 2), ("lovasz", 0.25), ("jaccard", 1)]),
        ("1e-3*ce", [("ce", 0.001)]),
    ],
)  # fmt: skip
def test_sums_are_parsed(spec: str, terms: list[tuple[str, float]]) -> None:
    assert list(parse_loss(spec).items()) == terms


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "'' is none of ce, focal, dice"),
        ("ce+", "'' is none of"),
        ("hinge", "'hinge' is none of"),
        ("ce-dice", "'ce-dice' is none of"),
        ("-1*ce", "is none of"),
        ("0*ce", "the weight in '0[*]ce' must be over 0"),
        ("1.2.3*ce", "must be over 0"),
        ("ce+0.5*ce", "'ce' occurs twice"),
    ],
)
def test_other_sums_are_told(spec: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_loss(spec)


@given(st.dictionaries(NAME, st.floats(1e-3, 1e3), min_size=1))
def test_what_is_written_is_read(weights: dict[str, float]) -> None:
    spec = "+".join(f"{weight:.17g}*{name}" for name, weight in weights.items())
    assert parse_loss(spec) == weights


def batch(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 3, 6, 5, generator=generator)
    target = torch.randint(0, 3, (2, 6, 5), generator=generator)
    target[:, :2] = VOID
    return logits.requires_grad_(), target


@pytest.mark.parametrize("name", LOSSES)
def test_pixels_that_do_not_count_make_no_difference(name: str) -> None:
    logits, target = batch()
    loss = SemanticLoss(name)
    value, parts = loss(logits, target)
    value.backward()
    expected = float(value.detach())
    assert expected > 0
    assert parts == {name: pytest.approx(expected)}
    assert logits.grad is not None
    assert not logits.grad[:, :, :2].any()
    assert logits.grad[:, :, 2:].any()
    other = logits.detach().clone()
    other[:, :, :2] = 50
    assert float(loss(other, target)[0]) == pytest.approx(expected)


@pytest.mark.parametrize("name", LOSSES)
def test_a_right_answer_costs_nothing(name: str) -> None:
    _, target = batch()
    classes = target.where(target != VOID, 0)
    right = 80.0 * functional.one_hot(classes, 3).movedim(-1, 1).float() - 40
    assert float(SemanticLoss(name)(right, target)[0]) < 1e-3


@pytest.mark.parametrize("name", LOSSES)
def test_a_batch_without_labels_costs_nothing_and_has_gradients(name: str) -> None:
    logits, target = batch()
    value, parts = SemanticLoss(name)(logits, torch.full_like(target, VOID))
    value.backward()
    assert (float(value.detach()), parts) == (0.0, {name: 0.0})
    assert logits.grad is not None
    assert not logits.grad.any()


def test_values_are_those_of_their_definitions() -> None:
    logits, target = batch()
    logits = logits.detach()
    counted = target != VOID
    chances = logits.softmax(1).movedim(1, -1)[counted].numpy()
    truth = np.eye(3)[target[counted].numpy()]
    own = (chances * truth).sum(1)
    both, sizes = (chances * truth).sum(0), (chances + truth).sum(0)
    # smp's focal loss takes each class by itself against the others, and their mean.
    alone = torch.sigmoid(logits).movedim(1, -1)[counted].numpy()
    alone = np.where(truth == 1, alone, 1 - alone)
    expected = {
        "ce": -np.log(own).mean(),
        "focal": -((1 - alone) ** 2 * np.log(alone)).mean(),
        "dice": (1 - 2 * both / sizes).mean(),
        "jaccard": (1 - both / (sizes - both)).mean(),
    }
    for name, value in expected.items():
        found = float(SemanticLoss(name)(logits, target)[0])
        assert found == pytest.approx(value, rel=1e-4), name
    total, parts = SemanticLoss("2*ce+0.5*dice")(logits, target)
    assert float(total) == pytest.approx(2 * parts["ce"] + 0.5 * parts["dice"])
