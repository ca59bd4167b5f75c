"""What is told of all data before a training."""

import numpy as np

from napari_edgeflow.formats.training_data import LabelledStack
from napari_edgeflow.formats.training_survey import survey_data


def one_image(side: int) -> LabelledStack:
    labels = np.zeros((side, side), np.uint8)
    labels[: side // 2, : side // 2] = 1
    return LabelledStack("cells", [np.zeros((side, side))], [labels])


def test_a_single_small_image_will_do_for_clicks_alone() -> None:
    (problem,) = survey_data([one_image(150)]).problems
    assert "150 x 150 pixels" in problem
    assert "smaller crops" in problem
    assert survey_data([one_image(150)], size=128).problems == ()
    assert survey_data([one_image(192)]).problems == ()
    assert survey_data([one_image(150)], by_object=True).problems == ()


def test_what_is_rare_or_without_labels_is_told() -> None:
    rare = one_image(300)
    rare.labels[0][299, 299] = 2
    empty = LabelledStack("later", [np.zeros((9, 9))], [np.zeros((9, 9), int)])
    some, none = survey_data([rare, empty]).warnings[::-1]
    assert some == "Less than 1% of the pixels are class 2 (0.00%): label more of it."
    assert none == "'later' has no labels: it is left out."
    # Of pixels without a label it is not known what they are.
    assert survey_data([one_image(300)], unlabelled=True).problems
