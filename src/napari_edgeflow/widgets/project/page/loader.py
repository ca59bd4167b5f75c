"""Reading a page of a project in the background."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import npe2
import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.image import full_limits
from napari_edgeflow.project.content.class_changes import RemovedClass
from napari_edgeflow.project.content.records import PageContent
from napari_edgeflow.project.folder import Project
from napari_edgeflow.project.images.cache import ImageCache
from napari_edgeflow.project.images.listing import IMAGE_ENDINGS
from napari_edgeflow.project.images.read import spatial_shape


@dataclass(frozen=True, slots=True, eq=False)
class LoadedPage:
    """An image of a project and what was made on it.

    Parameters
    ----------
    name : str
        The image.
    pixels : ndarray
        Its pixels.
    content : PageContent
        Labels, objects and the object in progress; those that fit the image.
    kept : tuple of str
        Short names of all labels that the project has of it.
    problems : tuple of str
        What could not be read, in sentences.
    removed : tuple of RemovedClass
        The classes that are gone from it.
    limits : tuple of float
        Values shown as black and as white.
    """

    name: str
    pixels: NDArray[Any] = field(repr=False)
    content: PageContent = field(default_factory=PageContent)
    kept: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    removed: tuple[RemovedClass, ...] = ()
    limits: tuple[float, float] = (0.0, 255.0)

    def up_to_date(self, project: Project) -> "LoadedPage":
        """Return it as it is if no class went, or came back, since it was read."""
        removed = project.record.removed
        if self.removed is removed:
            return self
        return replace(self, content=project.current(self.content), removed=removed)


class PageLoader:
    """Reads pages of one project; called in the background.

    Parameters
    ----------
    project : Project
        The project.
    cache : ImageCache
        Where its images are, or come from.
    look : callable
        Told the name of each page and its labels as they were saved.
    """

    def __init__(
        self,
        project: Project,
        cache: ImageCache,
        look: Callable[[str, Mapping[str, NDArray[Any]]], None],
    ) -> None:
        self._project, self._cache, self._look = project, cache, look

    def __call__(self, name: str) -> LoadedPage:
        """Return a page.

        Raises
        ------
        OSError
            If the image cannot be read.
        NewerProjectError
            If a newer version of this program wrote the page.
        """
        pixels = self._cache.read(self._project.image(name))
        page, removed = self._project.stored_page(name), self._project.record.removed
        stored = page.content.layers
        self._look(name, {key: layer.labels for key, layer in stored.items()})
        current = self._project.current(page.content)
        shape, fitting, problems = spatial_shape(pixels), {}, list(page.problems)
        for key, layer in current.layers.items():
            if layer.labels.shape == shape:
                fitting[key] = layer
            else:
                problems.append(
                    f"{name} is {_sides(shape)} pixels, its labels in the project are "
                    f"{_sides(layer.labels.shape)}: was the image exchanged? The "
                    "labels are kept, but not shown"
                )
        content = PageContent(fitting, current.draft)
        return LoadedPage(
            name,
            pixels,
            content,
            tuple(stored),
            tuple(problems),
            removed,
            full_limits(pixels),
        )


def _sides(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def read_with_plugins(path: Path) -> NDArray[Any]:
    """Return the first image that a plugin of napari reads from a file.

    Raises
    ------
    ValueError
        If none reads it as an image.
    """
    for data, *rest in npe2.read([str(path)], stack=False):
        kind = rest[1] if len(rest) > 1 else "image"
        if kind == "image":
            level = data[0] if isinstance(data, list | tuple) else data
            return np.asarray(level)
    raise ValueError("no plugin reads it as an image")


def image_suffixes() -> tuple[str, ...]:
    """Return the endings of images: the common ones, and those that plugins read."""
    found = dict.fromkeys(IMAGE_ENDINGS)
    for manifest in npe2.PluginManager.instance().iter_manifests(disabled=False):
        # napari itself says that it reads almost everything, tables of points too.
        if manifest.name not in ("napari", "napari-edgeflow"):
            for reader in manifest.contributions.readers or ():
                found.update(dict.fromkeys(_endings(reader.filename_patterns)))
    return tuple(found)


def _endings(patterns: Sequence[str]) -> list[str]:
    """Return ".czi" for "*.czi"; patterns of other forms are no endings of images."""
    endings = [pattern[1:].lower() for pattern in patterns if pattern[:2] == "*."]
    tables = (".csv", ".json", ".txt", ".zarr", ".py")
    return [e for e in endings if e.isascii() and "*" not in e and e not in tables]
