"""The projects that a person opened last."""

from pathlib import Path

from platformdirs import user_config_path

from napari_edgeflow.formats.files.json_files import read_record, write_json
from napari_edgeflow.project.folder import ProjectPlace

_MOST = 10


def recent_path() -> Path:
    """Return the file in which the list is kept."""
    return user_config_path("napari-edgeflow", appauthor=False) / "projects.json"


class RecentProjects:
    """A list of folders of images and of their projects, the latest first.

    Parameters
    ----------
    path : Path, optional
        The file. Default: :func:`recent_path`.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = recent_path() if path is None else path

    def places(self) -> list[ProjectPlace]:
        """Return the projects whose folders are there; none if the file is damaged."""
        try:
            entries = read_record(self._path)["projects"]
            places = [
                ProjectPlace(Path(str(e["images"])), Path(str(e["labels"])))
                for e in entries
            ]
        except (OSError, ValueError, KeyError, TypeError):
            return []
        return [place for place in places if place.folder.is_dir()]

    def place_of(self, folder: Path) -> ProjectPlace:
        """Return how to open a folder: with its labels where they were last."""
        for place in self.places():
            if place.folder == folder and place.home.is_dir():
                return place
        return ProjectPlace(folder)

    def add(self, images: Path, labels: Path) -> None:
        """Put a project first in the list.

        Raises
        ------
        OSError
            If the list cannot be written.
        """
        entries = [{"images": str(images), "labels": str(labels)}]
        for place in self.places():
            entry = {"images": str(place.folder), "labels": str(place.home)}
            if entry not in entries:
                entries.append(entry)
        write_json(self._path, {"version": 1, "projects": entries[:_MOST]}, indent=2)
