from pathlib import Path

import numpy as np
from tests.engine.colour_network import patches
from tests.engine.labelled import save_pairs

from napari_edgeflow.engine.data.microscopy import is_microscopy, judged


def test_mostly_grey_images_are_taken_for_microscopy(tmp_path: Path) -> None:
    pairs = save_pairs(tmp_path, [patches((8, 8)), np.zeros((8, 8), np.uint8)] * 3)
    assert is_microscopy(pairs[1::2])
    assert not is_microscopy(pairs[::2])
    assert not is_microscopy([*pairs[::2], pairs[1]])


def test_what_the_person_says_of_the_images_counts(tmp_path: Path) -> None:
    grey = save_pairs(tmp_path, [np.zeros((8, 8), np.uint8)])
    assert judged(grey, None) == (
        True,
        "most images are grey: taken for those of a microscope",
    )
    assert judged(grey, False) == (False, None)
    assert judged(grey, True) == (True, None)
