from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_edgeflow.engine.data.pairs import read_pair
from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.formats.training.folder import write_data
from napari_edgeflow.formats.training.plan import TrainingPlan
from napari_edgeflow.formats.training.sources import read_source
from napari_edgeflow.formats.training.stacks import LabelledStack
from napari_edgeflow.formats.training.survey import DataSurvey, survey_data
from napari_edgeflow.project.content.records import LabelContent, PageContent
from napari_edgeflow.project.exchange.learning import ProjectPages
from napari_edgeflow.project.folder import Project, ProjectPlace, open_project
from napari_edgeflow.project.storage.project_file import PageState

CAT, DOG = LabelClass(1, "cat", (200, 0, 0)), LabelClass(4, "dog", (0, 0, 200))
TABLE = ClassTable((CAT, DOG))


def content(labels: np.ndarray) -> PageContent:
    """Return labels of objects whose id is ten times that of their class."""
    rows = {i: {"class_id": i // 10} for i in np.unique(labels[labels > 0]).tolist()}
    return PageContent({"objects": LabelContent("object", TABLE, labels, rows)})


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Objects in two images and a stack; a third image is new."""
    for number, name in enumerate(("a.png", "b.png", "new.png")):
        Image.new("RGB", (24, 20), (40 * number, 9, 99)).save(tmp_path / name)
    planes = np.stack([np.full((20, 24), 50 * i, np.uint8) for i in range(3)])
    tifffile.imwrite(tmp_path / "stack.tif", planes, photometric="minisblack")
    project = open_project(ProjectPlace(tmp_path))
    project.note(replace(project.record, classes=TABLE))
    labels = np.zeros((20, 24), np.uint16)
    labels[2:9, 3:11], labels[12:18, 3:11] = 10, 40
    stack = np.stack([labels * 0, labels, labels * 0])
    for name, ids in (("a.png", labels), ("b.png", labels[::-1]), ("stack.tif", stack)):
        project.open_page(name)
        project.note_page(name, content(ids.copy()))
    done = replace(project.record.page("a.png"), state="done")
    project.note(project.record.with_page("a.png", done))
    yield project
    project.close()


def written(
    plan: TrainingPlan, stacks: Sequence[LabelledStack], survey: DataSurvey
) -> TrainingPlan:
    steps = write_data(plan, stacks, survey)
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            told: TrainingPlan = ended.value
            return told


def test_what_is_labelled_is_counted(project: Project) -> None:
    assert ProjectPages(project).counts == (3, 1, 6)
    assert ProjectPages(project, ("done",)).counts == (1, 1, 2)
    assert ProjectPages(project, ()).counts == (0, 0, 0)


@pytest.mark.parametrize(
    ("states", "names"),
    [
        (("work", "done"), ["a.png", "b.png", "stack.tif"]),
        (("done",), ["a.png"]),
        (("new",), []),
    ],
)
def test_images_are_chosen_by_their_state(
    project: Project, states: tuple[PageState, ...], names: list[str]
) -> None:
    stacks = ProjectPages(project, states).stacks()
    assert [stack.name for stack in stacks] == names


def test_a_training_gets_images_and_labels_of_the_project(
    project: Project, tmp_path: Path
) -> None:
    stacks = ProjectPages(project).stacks()
    survey = survey_data(stacks).usable()
    assert survey.images == (1, 1, 1)
    plan = TrainingPlan(task="semantic", output=tmp_path / "model")
    plan = written(plan, stacks, survey)
    pairs, classes = read_source(plan.sources[0], plan.output)
    assert [(c.id, c.name) for c in classes or ()] == [(1, "cat"), (4, "dog")]
    assert len(pairs) == 3
    for pair, grey in zip(pairs[:2], (0, 40), strict=True):
        image, labels = read_pair(pair)
        assert image[0, 0].tolist() == [grey, 9, 99]
        assert np.unique(labels).tolist() == [0, 1, 4]
    _, labels = read_pair(pairs[2])
    np.testing.assert_array_equal(labels[2:9, 3:11], 1)
    assert (labels == 4).sum() == 48


def test_clicks_learn_the_objects(project: Project, tmp_path: Path) -> None:
    stacks = ProjectPages(project, ("done",)).stacks()
    plan = TrainingPlan(task="clicks", output=tmp_path / "model")
    plan = written(plan, stacks, survey_data(stacks, by_object=True))
    assert [(one.layout, one.kind) for one in plan.sources] == [("pairs", "object")]
    (path,) = (tmp_path / "model" / "data" / "objects" / "labels").iterdir()
    with Image.open(path) as image:
        assert np.unique(np.asarray(image)).tolist() == [0, 10, 40]


def test_edits_are_learnt_as_they_are_when_they_are_read(project: Project) -> None:
    (stack,) = ProjectPages(project, ("done",)).stacks()
    assert np.unique(stack.read_labels(0)).tolist() == [0, 10, 40]
    project.note_page("a.png", content(np.full((20, 24), 10, np.uint16)))
    (stack,) = ProjectPages(project, ("done",)).stacks()
    assert np.unique(stack.read_labels(0)).tolist() == [10]
    project.note_page("a.png", content(np.zeros((20, 24), np.uint16)))
    assert ProjectPages(project, ("done",)).stacks() == ()


def test_an_exchanged_image_is_named(project: Project) -> None:
    (stack,) = ProjectPages(project, ("done",)).stacks()
    Image.new("RGB", (30, 20)).save(project.image("a.png"))
    assert stack.images[0].shape == (20, 24)
    with pytest.raises(
        ValueError, match=r"a\.png has the shape \(20, 30\), its labels"
    ):
        np.asarray(stack.images[0])
