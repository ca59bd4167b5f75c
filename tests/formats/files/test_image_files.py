from pathlib import Path

import pytest
from PIL import Image

from napari_edgeflow.formats.files.image_files import is_in_colour


@pytest.mark.parametrize(
    ("mode", "in_colour"),
    [("RGB", True), ("RGBA", True), ("L", False), ("P", False), ("I;16", False)],
)
def test_pictures_in_true_colours_are_no_labels(
    tmp_path: Path, mode: str, in_colour: bool
) -> None:
    Image.new(mode, (6, 5)).save(tmp_path / "any.png")
    assert is_in_colour(tmp_path / "any.png") is in_colour


def test_what_is_no_image_is_not_in_colour(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    assert not is_in_colour(tmp_path / "text.png")
    assert not is_in_colour(tmp_path / "missing.png")
