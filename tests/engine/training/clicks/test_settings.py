import pytest

from napari_edgeflow.engine.training.clicks.settings import (
    ClickTaskSettings,
    usual_settings,
)
from napari_edgeflow.engine.training.semantic.task import SemanticTaskSettings
from napari_edgeflow.engine.training.settings import FEW_IMAGES, LoopSettings


def test_both_kinds_of_training_check_their_settings() -> None:
    for kind in (ClickTaskSettings, SemanticTaskSettings):
        with pytest.raises(ValueError, match="batch 1: use 2 or more"):
            kind(batch=1)
        with pytest.raises(ValueError, match=r"crops of \[50\] pixels"):
            kind(sizes=((1.0, 50),))
    with pytest.raises(ValueError, match="carry 2: use a probability"):
        ClickTaskSettings(carry=2)
    assert ClickTaskSettings().encoder_rate == 0.3
    assert SemanticTaskSettings().encoder_rate == 0.25


def test_sizes_follow_progress() -> None:
    settings = ClickTaskSettings()
    assert [settings.size(p) for p in (0, 0.44, 0.5, 0.8, 1.0)] == [
        160,
        160,
        192,
        256,
        256,
    ]


def test_only_what_is_known_is_kept_and_only_from_few_images() -> None:
    task, loop = usual_settings(FEW_IMAGES, adapting=True)
    assert task.frozen_decoder
    # Where nothing is held back, the result is halfway.
    assert loop.blends[0] == 0.5
    for images, adapting in ((FEW_IMAGES + 1, True), (FEW_IMAGES, False)):
        task, loop = usual_settings(images, adapting=adapting)
        assert task == ClickTaskSettings()
        assert loop.blends == LoopSettings().blends == (1.0,)
