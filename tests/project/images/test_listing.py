from pathlib import Path

import pytest

from napari_edgeflow.project.images.listing import HOME, list_images, natural_key


def test_numbers_sort_by_value_and_folders_together() -> None:
    names = ["b/10.png", "b/9.png", "a10.png", "A9.png", "a.png", "ä2.png", "10/1.png"]
    ordered = sorted(names, key=natural_key)
    assert ordered.index("A9.png") < ordered.index("a10.png")
    assert ordered.index("b/9.png") < ordered.index("b/10.png")
    assert sorted(["z", "ö", "o", "p"], key=natural_key) == ["o", "ö", "p", "z"]
    assert sorted(["1a", "a1", "1", "a"], key=natural_key) == ["1", "1a", "a", "a1"]


def test_images_in_all_folders_but_hidden_ones_and_projects(tmp_path: Path) -> None:
    wanted = ["été 2.JPG", "sub/ж.tif", "sub/deeper/x.gif"]
    others = [
        ".hidden.png",
        ".git/a.png",
        f"{HOME}/labels/a.png",
        "notes.txt",
        "out/b.png",
    ]
    for name in (*wanted, *others):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert sorted(list_images(tmp_path, skip=tmp_path / "out")) == sorted(wanted)


def test_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        list_images(tmp_path / "nowhere")
