"""Files that napari opens with this package: labels in PNG, TIFF and JSON, VOC folders.

napari asks a reader when a person has chosen it, in the dialog that opens when several
can read a file, or as ``viewer.open(path, plugin="napari-edgeflow")``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_edgeflow.engine.data.pixels import read_image
from napari_edgeflow.engine.labels.scheme import LabelScheme, new_image_mark, with_entry
from napari_edgeflow.engine.raster.image import full_limits
from napari_edgeflow.formats.exchange.imports import (
    guess_source,
    images_beside,
    read_annotations,
)
from napari_edgeflow.formats.files.image_files import ImageFolder
from napari_edgeflow.formats.kinds.label_images.tiff import read_label_tiff
from napari_edgeflow.formats.kinds.voc.folder import VOC_IMAGES, VocFolder
from napari_edgeflow.formats.kinds.voc.png import holds_labels, read_palette_png
from napari_edgeflow.project.images.read import is_rgb

if TYPE_CHECKING:
    from numpy.typing import NDArray


_LayerData: TypeAlias = "tuple[NDArray[Any], dict[str, Any], str]"
_Reader: TypeAlias = Callable[[str], list[_LayerData]]

MAX_PAIRS = 10
"""Images of a folder that are opened at once; each of them is two layers."""


def palette_png_reader(path: str | list[str]) -> _Reader | None:
    """Return what opens a PNG: as labels if it holds some, else as an image.

    A PNG without a palette is an image. So is a picture that was reduced to a
    palette: one that this package has not written, that does not begin with VOC's
    colours, and that uses more than 64 of them. To open even that as labels:
    ``Layer.create(*read_labels(path)[0])``.

    Images are opened as well, since napari's dialog remembers a choice for all files
    of an ending: who chose this reader for PNGs would else open no image any more.

    Parameters
    ----------
    path : str or list of str
        The file; several to be stacked are not for this reader.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    if isinstance(path, list):
        return None
    return read_labels if holds_labels(Path(path)) else read_picture


def voc_folder_reader(path: str | list[str]) -> _Reader | None:
    """Return :func:`read_folder` for a VOC folder, else None."""
    if isinstance(path, list) or not VocFolder(Path(path)).is_complete:
        return None
    return read_folder


def objects_reader(path: str | list[str]) -> _Reader | None:
    """Return what opens COCO, labelme or GeoJSON: their images, and labels of objects.

    Parameters
    ----------
    path : str or list of str
        The file; several to be stacked are not for this reader.

    Raises
    ------
    ValueError
        If it is no JSON.
    OSError
        If it cannot be read.
    """
    if isinstance(path, list):
        return None
    try:
        guess_source(Path(path))
    except ValueError:
        return None
    return read_objects


def label_tiff_reader(path: str | list[str]) -> _Reader | None:
    """Return :func:`read_tiff` for one TIFF, else None."""
    return None if isinstance(path, list) else read_tiff


def read_objects(path: str) -> list[_LayerData]:
    """Return an image and a Labels layer of objects for each image of a file.

    As with folders, the first ten are opened, of those that have objects if there are
    more. An image file that is not there is left out. A notification says what was
    left out.

    Raises
    ------
    ValueError
        If nothing in the file can be used.
    OSError
        If it cannot be read.
    """
    file, problems = Path(path), list[str]()
    source = guess_source(file)
    found = list(read_annotations(source, file, report=problems.append))
    if not found:
        raise ValueError("; ".join(problems[:1]) or f"{file} lists no image")
    chosen = sorted(found, key=lambda annotation: not annotation.objects)[:MAX_PAIRS]
    folder = ImageFolder(images_beside(source, file) or file.parent, depth=3)
    layers: list[_LayerData] = []
    for annotation in chosen:
        shown: dict[str, object] = {"visible": not layers}
        mark = new_image_mark()
        image, why = annotation.image, f"it is not in {folder.path}"
        try:
            image = image or folder.find(annotation.file_name)
        except ValueError as error:
            why = str(error)
        if image is None:
            problems.append(f"no image {annotation.file_name!r}: {why}")
        else:
            shown["name"] = annotation.stem
            layers.append(_image_layer(read_image(image), mark, **shown))
        shown["name"] = f"{annotation.stem} objects"
        class_of = {entry.id: entry.class_id for entry in annotation.objects}
        entry = {"image": mark, "file_name": annotation.file_name}
        scheme = LabelScheme("object", annotation.classes)
        try:
            labels = annotation.object_labels()
        except ValueError as error:
            problems.append(f"{annotation.file_name}: {error}")
        else:
            layers.append(_labels_layer(labels, scheme, class_of, entry, **shown))
    if not layers:
        raise ValueError("; ".join(problems[:1]))
    if len(found) > MAX_PAIRS:
        problems.append(f"opened {MAX_PAIRS} of {len(found)} images")
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        _say(f"{file.name}: {problems[0]}{more}")
    return layers


def read_tiff(path: str) -> list[_LayerData]:
    """Return the Labels layer of a label TIFF, of any number of planes.

    Raises
    ------
    ValueError
        If it holds no whole numbers.
    OSError
        If it cannot be read.
    """
    content = read_label_tiff(Path(path))
    name = Path(path).name.split(".")[0]
    if content.classes is None:
        return [(content.labels, {"name": name}, "labels")]
    scheme = LabelScheme(content.kind or "semantic", content.classes)
    return [_labels_layer(content.labels, scheme, content.class_of, name=name)]


def read_labels(path: str) -> list[_LayerData]:
    """Return the Labels layer of a palette PNG, or of a grey one.

    Raises
    ------
    ValueError
        If it is a PNG of another kind.
    OSError
        If it cannot be read.
    """
    labels, classes = read_palette_png(Path(path))
    return [
        _labels_layer(labels, LabelScheme("semantic", classes), name=Path(path).stem)
    ]


def read_picture(path: str) -> list[_LayerData]:
    """Return the image layer of a PNG.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    pixels = read_image(Path(path))
    return [(pixels, {"name": Path(path).stem, **_look(pixels)}, "image")]


def read_folder(path: str) -> list[_LayerData]:
    """Return an image and a Labels layer for each of the first images of a VOC folder.

    They are the first ten of trainval, train or val, whichever list there is first,
    or of all labelled images if there is no list. Images of different sizes do not
    make a stack, and thousands of layers no viewer. Only the first pair is visible. A
    notification says how many images are left.

    Raises
    ------
    ValueError
        If no labelled image is named, or labels are of a kind that is not read.
    OSError
        If a file cannot be read.
    """
    folder = VocFolder(Path(path))
    names = folder.names()
    layers: list[_LayerData] = []
    for name in names[:MAX_PAIRS]:
        image, labels, classes = folder.read(name)
        mark, visible = new_image_mark(), not layers
        layers.append(_image_layer(image, mark, name=name, visible=visible))
        scheme, entry = LabelScheme("semantic", classes), {"image": mark}
        of_it: dict[str, Any] = {"name": f"{name} classes", "visible": visible}
        layers.append(_labels_layer(labels, scheme, entry=entry, **of_it))
    if len(names) > MAX_PAIRS:
        _say(
            f"Opened the first {MAX_PAIRS} of {len(names)} images of {folder.root}; "
            f"the others are in its folder {VOC_IMAGES}."
        )
    return layers


def _image_layer(pixels: NDArray[Any], mark: str, **options: object) -> _LayerData:
    """Return the layer of an image, with the mark by which its labels know it."""
    metadata = with_entry({}, image=mark)
    return pixels, {"metadata": metadata, **_look(pixels), **options}, "image"


def _look(pixels: NDArray[Any]) -> dict[str, object]:
    """Return how napari is to show an image, which is how networks see it."""
    return {"rgb": is_rgb(pixels), "contrast_limits": full_limits(pixels)}


def _labels_layer(
    labels: NDArray[Any],
    scheme: LabelScheme,
    class_of: Mapping[int, int] | None = None,
    entry: Mapping[str, str] | None = None,
    **options: object,
) -> _LayerData:
    """Return a layer of labels, as the docks know it, in its classes' colours."""
    # napari is loaded when a file is opened, not when readers are looked for.
    from napari.utils.colormaps import DirectLabelColormap

    class_of = class_of or {}
    settings = {
        "colormap": DirectLabelColormap(color_dict=scheme.colours(class_of)),
        "metadata": with_entry({}, **scheme.entry, **(entry or {})),
        **options,
    }
    if scheme.kind == "object":
        names = {entry.id: entry.name for entry in scheme.classes}
        settings["features"] = {
            "index": list(class_of),
            "class_id": list(class_of.values()),
            "class_name": [names.get(c, "") for c in class_of.values()],
            "source": ["import"] * len(class_of),
        }
        # napari colours 8 and 16 bits without the CPU.
        small = labels.max(initial=0) <= 65_535
        labels = labels.astype("uint16") if small else labels
    return labels, settings, "labels"


def _say(message: str) -> None:
    from napari.utils.notifications import show_info

    show_info(message)
