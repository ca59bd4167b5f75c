from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_edgeflow.formats.exchange.splits import split_names, write_split_lists

NAMES = [f"image {i:03}" for i in range(100)]


@given(
    count=st.integers(0, 100),
    parts=st.tuples(st.integers(0, 5), st.integers(1, 5), st.integers(0, 5)),
    seed=st.integers(0, 99),
)
def test_every_name_has_one_place(
    count: int, parts: tuple[int, int, int], seed: int
) -> None:
    ratios = [part / sum(parts) for part in parts]
    splits = split_names(NAMES[:count], ratios, seed)
    assert sorted(name for names in splits.values() for name in names) == NAMES[:count]
    for names, ratio in zip(splits.values(), ratios, strict=True):
        assert abs(len(names) - ratio * count) <= 1
    assert split_names(reversed(NAMES[:count]), ratios, seed) == splits


def test_the_split_is_the_same_for_ever() -> None:
    splits = split_names(NAMES, (0.96, 0.02, 0.02), seed=7)
    assert list(splits) == ["train", "val", "test"]
    assert splits["val"] == ["image 021", "image 060"]
    assert split_names(NAMES, (0.5, 0.5)) != split_names(NAMES, (0.5, 0.5), 1)
    assert list(split_names(NAMES, (0.5, 0.5))) == ["train", "val"]


@pytest.mark.parametrize(
    "ratios", [(1.0,), (0.5, 0.4), (1.5, -0.5), (0.25,) * 4, (0.5, float("nan"))]
)
def test_other_ratios_are_refused(ratios: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"add up to 1, such as 0\.8,0\.1,0\.1"):
        split_names(NAMES, ratios)


def test_other_names_and_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="'a' occurs twice"):
        split_names(["a", "b", "a"], (0.5, 0.5))
    with pytest.raises(ValueError, match="seed -1"):
        split_names(["a"], (0.5, 0.5), -1)


def test_lists_are_written(tmp_path: Path) -> None:
    write_split_lists(tmp_path / "größe", {"train": ["a b", "猫"], "val": []})
    text = (tmp_path / "größe" / "train.txt").read_text(encoding="utf-8")
    assert text == "a b\n猫\n"
    assert (tmp_path / "größe" / "val.txt").read_text() == ""
    with pytest.raises(ValueError, match="several lines"):
        write_split_lists(tmp_path, {"train": ["a\nb"]})
    assert not (tmp_path / "train.txt").exists()
