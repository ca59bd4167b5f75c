from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from napari import Viewer
from PIL import Image

from napari_edgeflow import samples

NAMES = list(samples.SAMPLES)
MAX_BYTES = 1_500_000


@pytest.mark.parametrize("name", NAMES)
def test_labels_fit_the_image(name: str) -> None:
    image, labels = samples.load_sample(name)
    assert image.dtype == labels.dtype == np.uint8
    assert labels.shape == image.shape[:2]
    assert image.ndim in (2, 3)
    assert (labels == 0).any()


@pytest.mark.parametrize("name", NAMES)
def test_every_object_has_pixels_and_a_name(name: str) -> None:
    _, labels = samples.load_sample(name)
    ids = np.unique(labels[labels > 0])
    names = samples.SAMPLES[name].objects
    assert ids.tolist() == list(range(1, ids.size + 1))
    assert len(names) in (1, ids.size)


@pytest.mark.parametrize("name", NAMES)
def test_labels_are_a_palette_image(name: str) -> None:
    _, labels_path = samples.sample_paths()[name]
    with Image.open(labels_path) as picture:
        assert picture.mode == "P"
        palette = picture.getpalette()
    assert palette is not None
    assert palette[:6] == [0, 0, 0, 128, 0, 0]


@pytest.mark.parametrize("name", NAMES)
def test_layers_are_an_image_and_hidden_labels(name: str) -> None:
    (image, image_options, image_kind), (labels, options, kind) = getattr(
        samples, name
    )()
    assert (image_kind, kind) == ("image", "labels")
    assert labels.shape == image.shape[:2]
    assert options["visible"] is False
    assert options["name"] == f"Truth of {image_options['name']}"


def test_readme_names_every_file() -> None:
    folder = samples.sample_folder()
    readme = (folder / "README.md").read_text(encoding="utf-8")
    files = [path.name for path in folder.iterdir() if path.name != "README.md"]
    used = [path.name for pair in samples.sample_paths().values() for path in pair]
    assert sorted(files) == sorted(used)
    assert [name for name in files if f"`{name}`" not in readme] == []


def test_samples_are_small() -> None:
    folder = samples.sample_folder()
    assert sum(path.stat().st_size for path in folder.iterdir()) < MAX_BYTES


def test_unknown_sample_is_named() -> None:
    with pytest.raises(ValueError, match="no sample 'dog'; choose one of astronaut"):
        samples.load_sample("dog")


def test_samples_are_found_beside_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "lib" / "site-packages" / "napari_edgeflow"
    package.mkdir(parents=True)
    monkeypatch.setattr(samples, "__file__", str(package / "samples.py"))
    with pytest.raises(FileNotFoundError, match="install napari-edgeflow again"):
        samples.sample_folder()
    (package / "sample_data").mkdir()
    assert samples.sample_folder() == package / "sample_data"


def test_napari_opens_a_sample(make_napari_viewer: Callable[[], Viewer]) -> None:
    viewer = make_napari_viewer()
    viewer.open_sample("napari-edgeflow", "coffee")
    assert [layer.name for layer in viewer.layers] == ["Coffee", "Truth of Coffee"]
    assert viewer.layers["Truth of Coffee"].data.max() == 3
