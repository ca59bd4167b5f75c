import json

import pytest

from napari_edgeflow.engine.checkpoints.semantic_facts import SemanticFacts
from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass, voc_palette

TABLE = ClassTable(
    (LabelClass(7, "nucleus", (1, 2, 3)), LabelClass(300, "cell", (0, 0, 255)))
)
FACTS = SemanticFacts(
    TABLE, (0, 300, 7), (0.5, 0.4, 0.3), (0.25, 0.2, 0.1), 256, longest_side=512
)


@pytest.mark.parametrize(
    "facts",
    [
        FACTS,
        SemanticFacts(TABLE, (7, 300)),
        SemanticFacts(TABLE, (0, 7), mean=(0.5,), std=(0.2,), stretched=True),
    ],
)
def test_what_is_written_is_read_again(facts: SemanticFacts) -> None:
    metadata = facts.to_metadata()
    assert all(isinstance(value, str) for value in metadata.values())
    assert SemanticFacts.from_metadata({**metadata, "other": "text"}) == facts


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_ids": (7,)}, r"class ids \(7,\): .* two or more"),
        ({"class_ids": ()}, r"class ids \(\)"),
        ({"class_ids": (0, 7, 7)}, r"class ids \(0, 7, 7\)"),
        ({"class_ids": (0, 7, 8)}, "class 8 has no name"),
        ({"mean": (0.5,) * 4, "std": (0.5,) * 4}, "4 input channels cannot be used"),
        ({"mean": (0.5,) * 2, "std": (0.5,) * 2}, "2 input channels"),
        ({"std": (0.5,)}, "3 input channels"),
        ({"window": 0}, "window 0"),
        ({"window": 100}, "window 100: use a multiple of 32"),
    ],
)
def test_facts_that_no_network_can_have_are_refused(
    changes: dict[str, object], message: str
) -> None:
    arguments: dict[str, object] = {"classes": TABLE, "class_ids": (0, 7, 300)}
    with pytest.raises(ValueError, match=message):
        SemanticFacts(**{**arguments, **changes})  # type: ignore[arg-type]


def metadata(**changes: object) -> dict[str, str]:
    """Return metadata with some of the input's values changed."""
    good = FACTS.to_metadata()
    return {**good, "input": json.dumps({**json.loads(good["input"]), **changes})}


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        ({}, "'input'"),
        ({"input": metadata()["input"]}, "'classes'"),
        ({**metadata(), "input": "{"}, "does not say"),
        ({**metadata(), "input": "[]"}, "does not say"),
        ({**metadata(), "input": "{}"}, "'longest_side'"),
        ({**metadata(), "classes": "7"}, "needs id, name and colour"),
        ({**metadata(), "classes": '[{"id": 7}]'}, "needs id, name and colour"),
        (metadata(class_ids=None), "does not say"),
        (metadata(class_ids=[0, 12]), "class 12 has no name"),
        (metadata(mean=0.5), "does not say"),
        (metadata(window=33), "window 33"),
        (metadata(window=2**40), "window 1099511627776"),
        (metadata(window=float("inf")), "does not say"),
        (metadata(longest_side=0), "longest side 0"),
        (metadata(longest_side=10**9), "longest side 1000000000"),
        (metadata(std=[0, 0, 0]), "deviations over 0"),
        (metadata(mean=[float("nan")] * 3), "deviations over 0"),
        (metadata(class_ids=[0, -1]), "class ids"),
        ({**metadata(), "input": "[" * 10**5}, "nested too deeply"),
        ({**metadata(), "classes": "[" * 10**5}, "nested too deeply"),
    ],
)
def test_damaged_metadata_is_refused(damaged: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SemanticFacts.from_metadata(damaged)


def test_images_are_scaled_to_the_longest_side() -> None:
    assert FACTS.scale((256, 1024)) == 0.5
    assert FACTS.scale((64, 32)) == 8
    assert SemanticFacts(TABLE, (0, 7)).scale((64, 3200)) == 1


def test_classes_without_names_are_numbered_in_the_colours_of_voc() -> None:
    facts = SemanticFacts.unnamed(4, (0.5,), (0.2,))
    assert facts.class_ids == (0, 1, 2, 3)
    assert [c.name for c in facts.classes] == ["class 1", "class 2", "class 3"]
    assert [list(c.colour) for c in facts.classes] == voc_palette(4)[1:].tolist()
    assert facts.channels == 1


def test_a_single_output_tells_one_class_from_the_background() -> None:
    facts = SemanticFacts.unnamed(1, (0.5,) * 3, (0.2,) * 3)
    assert facts.class_ids == (0, 1)
    assert [c.name for c in facts.classes] == ["class 1"]
