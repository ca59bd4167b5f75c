from pathlib import Path

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from PIL import Image

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.widgets.layers.annotation import labelled_layers


@pytest.mark.parametrize("name", ["film.gif", "film.tif"])
@pytest.mark.parametrize("every", [False, True])
def test_each_picture_of_a_stack_in_one_file_is_its_own_frame(
    tmp_path: Path, name: str, every: bool
) -> None:
    path = tmp_path / name
    stack = np.full((3, 40, 50), 10, np.uint8) * np.array([1, 9, 20])[:, None, None]
    frames = [Image.fromarray(frame.astype(np.uint8)) for frame in stack]
    if name.endswith("gif"):
        frames[0].save(path, save_all=True, append_images=frames[1:])
    else:
        tifffile.imwrite(path, stack.astype(np.uint8), photometric="minisblack")
    viewer = ViewerModel()
    image = viewer.add_image(stack.astype(np.uint8))
    labels = viewer.add_labels(np.ones((3, 40, 50), np.uint8))
    viewer.dims.set_current_step(0, 1)
    layers = labelled_layers(viewer, image, labels, every=every, path=path)
    items = list(layers.items(ClassTable(()), with_image=True))
    values = [int(np.asarray(item.image)[0, 0, 0]) for item in items]
    assert values == ([10, 90, 200] if every else [90])
    assert all(item.source == path for item in items)


def test_a_photograph_that_napari_did_not_turn_is_not_taken_for_its_file(
    tmp_path: Path,
) -> None:
    pixels, exif = np.zeros((40, 50, 3), np.uint8), Image.Exif()
    pixels[:9], exif[274] = 200, 3
    upright, turned = tmp_path / "upright.png", tmp_path / "turned.png"
    Image.fromarray(pixels).save(upright)
    Image.fromarray(pixels).save(turned, exif=exif)
    viewer = ViewerModel()
    image = viewer.add_image(pixels, rgb=True)
    labels = viewer.add_labels(np.ones((40, 50), np.uint8))
    for path in (upright, turned):
        layers = labelled_layers(viewer, image, labels, path=path)
        (item,) = layers.items(ClassTable(()), with_image=True)
        if path == upright:
            assert item.image == path
        else:
            np.testing.assert_array_equal(np.asarray(item.image), pixels)
