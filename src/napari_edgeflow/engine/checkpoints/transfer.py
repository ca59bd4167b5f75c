"""Fine-tuning a network on other classes: what its head knows of them is kept."""

from collections.abc import Mapping, Sequence

import torch
from segmentation_models_pytorch.base import SegmentationModel
from torch import Tensor, nn

from napari_edgeflow.engine.checkpoints.semantic_facts import SemanticFacts
from napari_edgeflow.engine.networks.semantic import SemanticConfig


def matching_outputs(found: Sequence[str], wanted: Sequence[str]) -> dict[int, int]:
    """Return which output of a network is for which wanted class, by name.

    Parameters
    ----------
    found, wanted : sequence of str
        Names of the classes in the order of the outputs, there and here.

    Returns
    -------
    dict
        Position in ``wanted`` to position in ``found``; upper and lower case and
        spaces around a name make no difference.
    """
    places = {_plain(name): place for place, name in reversed([*enumerate(found)])}
    return {
        place: places[_plain(name)]
        for place, name in enumerate(wanted)
        if _plain(name) in places
    }


def _plain(name: str) -> str:
    return name.strip().casefold()


def with_other_classes(
    model: SegmentationModel,
    config: SemanticConfig,
    facts: SemanticFacts,
    wanted: SemanticFacts,
) -> SegmentationModel:
    """Return a network for other classes that has the weights of ``model``.

    The outputs of classes of the same name are kept; those of new classes are
    random.

    Raises
    ------
    ValueError
        If the network does not end in a convolution to its classes.
    """
    outputs = len(wanted.class_ids)
    fresh = SemanticConfig(
        config.architecture, {**config.arguments, "classes": outputs}
    ).build()
    last = _last_convolution(model)
    state = model.state_dict()
    heads = {name for name in state if name.rpartition(".")[0] == last}
    fresh.load_state_dict(
        {k: v for k, v in state.items() if k not in heads}, strict=False
    )
    rows = matching_outputs(facts.names, wanted.names)
    _copy_rows(state, fresh.state_dict(), heads, rows)
    return fresh


def _last_convolution(model: SegmentationModel) -> str:
    head = model.get_submodule("segmentation_head")
    found = [name for name, m in head.named_modules() if isinstance(m, nn.Conv2d)]
    if not found:
        raise ValueError(
            f"{type(model).__name__} does not end in a convolution to its classes: "
            "start from another model, or from a new network"
        )
    return f"segmentation_head.{found[-1]}"


def _copy_rows(
    state: Mapping[str, Tensor],
    target: Mapping[str, Tensor],
    names: set[str],
    rows: Mapping[int, int],
) -> None:
    for name in names:
        values = state[name]
        if len(values) == 1:
            # One output tells a class from the background, whose logit is 0.
            values = torch.cat([torch.zeros_like(values), values])
        for here, there in rows.items():
            target[name][here].copy_(values[there])
