import shutil
from pathlib import Path

import pytest

from napari_edgeflow.engine.checkpoints.checkpoint import CLICK_TASK, SEMANTIC_TASK
from napari_edgeflow.engine.checkpoints.registry import (
    data_folder,
    models_folder,
    register_model,
    trained_models,
)


@pytest.fixture
def model(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "nuclei"))


def test_a_model_is_listed_for_its_task(model: Path) -> None:
    assert trained_models() == ()
    register_model(model)
    (found,) = trained_models(SEMANTIC_TASK)
    assert (found.name, found.folder) == ("nuclei", str(model))
    assert trained_models() == (found,)
    assert trained_models(CLICK_TASK) == ()


def test_the_newest_comes_first_and_none_comes_twice(
    model: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(model, tmp_path / "other"))
    for folder in (model, other, model):
        register_model(folder)
    assert [found.name for found in trained_models()] == ["nuclei", "other"]


def test_a_folder_that_was_moved_is_left_out_until_it_is_back(model: Path) -> None:
    register_model(model)
    away = model.rename(model.with_name("away"))
    assert trained_models() == ()
    away.rename(model)
    assert len(trained_models()) == 1


def test_only_models_are_registered(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no model"):
        register_model(tmp_path)
    assert trained_models() == ()


@pytest.mark.parametrize("text", ["", "{}", "[1, {}]", "no json"])
def test_a_damaged_registry_counts_as_empty(text: str, model: Path) -> None:
    data_folder().mkdir(parents=True, exist_ok=True)
    (data_folder() / "models.json").write_text(text)
    assert trained_models() == ()
    register_model(model)
    assert len(trained_models()) == 1


def test_new_models_go_into_the_data_folder() -> None:
    assert models_folder().parent == data_folder()
