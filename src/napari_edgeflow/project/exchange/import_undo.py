"""Taking back what an import gave the images of a project."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from napari_edgeflow.project.content.records import (
    LabelContent,
    PackedLabels,
    PageContent,
)
from napari_edgeflow.project.folder import Project
from napari_edgeflow.project.storage.project_file import PageState


@dataclass(frozen=True, slots=True, eq=False)
class PackedPage:
    """The labels of an image, compressed: those of a thousand images fit in memory."""

    _layers: Mapping[str, tuple[LabelContent, PackedLabels]] = field(repr=False)

    @classmethod
    def of(cls, content: PageContent) -> "PackedPage":
        """Return content packed; the object in progress is left out."""
        nothing = np.zeros(0, np.uint8)
        return cls(
            {
                key: (replace(layer, labels=nothing), PackedLabels.of(layer.labels))
                for key, layer in content.layers.items()
            }
        )

    def content(self) -> PageContent:
        """Return the labels."""
        return PageContent(
            {
                key: replace(layer, labels=packed.unpacked())
                for key, (layer, packed) in self._layers.items()
            }
        )


@dataclass(frozen=True, slots=True, eq=False)
class ImportedPage:
    """An image that got labels.

    Parameters
    ----------
    name : str
        The image of the project.
    state : {"new", "work", "done"}
        What it was before.
    before, after : PackedPage or PageContent
        What was on it.
    """

    name: str
    state: PageState
    before: PackedPage | PageContent
    after: PackedPage | PageContent


RestoredPage = tuple[ImportedPage, PageContent | None]
"""An image and what it has again; None if it was edited since, and is left alone."""


def read_restored(
    project: Project, pages: Sequence[ImportedPage]
) -> Generator[RestoredPage, None, None]:
    """Say what images had before an import.

    Nothing is written here; see :func:`~napari_edgeflow.project.exchange.imports.\
read_folder_import`.

    Yields
    ------
    RestoredPage
        For each image. Its page was opened.
    """
    for page in pages:
        now = project.open_page(page.name).content
        before, after = (
            project.current(x if isinstance(x, PageContent) else x.content())
            for x in (page.before, page.after)
        )
        same = _is_same(now, after)
        yield page, _restored(now, before) if same else None
        project.wait()


def _is_same(now: PageContent, after: PageContent) -> bool:
    """Return whether nobody edited labels, beside layers that are empty still."""
    labelled = {key for key, layer in now.layers.items() if layer.labels.any()}
    return labelled <= after.layers.keys() <= now.layers.keys() and all(
        np.array_equal(now.layers[key].labels, layer.labels)
        and _classes(now.layers[key]) == _classes(layer)
        for key, layer in after.layers.items()
    )


def _classes(layer: LabelContent) -> dict[int, object]:
    return {index: row.get("class_id") for index, row in layer.rows.items()}


def _restored(now: PageContent, before: PageContent) -> PageContent:
    """Return what was there before; layers that were not there are empty."""
    empty = {
        key: replace(layer, labels=np.zeros_like(layer.labels), rows={}, counts=None)
        for key, layer in now.layers.items()
    }
    return PageContent({**empty, **before.layers}, now.draft)
