"""What the click dock has done in the background: load, read, predict, threshold."""

from collections.abc import Callable
from dataclasses import dataclass

from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.tidy import TidySettings
from napari_edgeflow.widgets.clicks.object.in_progress import (
    ObjectInProgress,
    ObjectMask,
    Origin,
)
from napari_edgeflow.widgets.layers.planes import PlaneImage
from napari_edgeflow.widgets.qt.torch_beside_opengl import keep_triton_apart
from napari_edgeflow.widgets.qt.workers import UnusableModelError

LoadClickSegmenter = Callable[[str], ClickSegmenter]


@dataclass(frozen=True, slots=True, eq=False)
class ClickRequest:
    """All that decides a mask.

    Parameters
    ----------
    model : str
        Name or path of the model.
    threshold : float
        Probability from which a pixel belongs to the object.
    tidy : TidySettings
        How the mask is made tidy.
    image : PlaneImage or None
        The plane that is clicked on; None, without an object, only loads the model.
    object : ObjectInProgress or None
        What to compute the mask of; None only gets model and image ready.
    """

    model: str
    threshold: float
    tidy: TidySettings
    image: PlaneImage | None
    object: ObjectInProgress | None = None


class LastSegmenter:
    """Loads segmenters, keeping the last one.

    Used from one thread at a time.
    """

    def __init__(self, load: LoadClickSegmenter) -> None:
        self._load = load
        self._segmenter: ClickSegmenter | None = None
        self._model = ""

    def get(self, model: str) -> ClickSegmenter:
        """Return the segmenter of a model.

        Raises
        ------
        UnusableModelError
            If it cannot be loaded; the one before stays.
        """
        if self._segmenter is None or model != self._model:
            try:
                self._segmenter = self._load(model)
            except (ValueError, OSError) as error:
                raise UnusableModelError(str(error)) from error
            self._model = model
        return self._segmenter


class ClickWork:
    """Answers requests, keeping the model and the image that are loaded.

    Used from one thread at a time.
    """

    def __init__(self, load: LoadClickSegmenter) -> None:
        self._models = LastSegmenter(load)
        self._segmenter: ClickSegmenter | None = None
        self._image: PlaneImage | None = None
        self._start: Origin | None = None

    def __call__(self, request: ClickRequest) -> ObjectMask:
        """Return the mask of a request.

        Raises
        ------
        UnusableModelError
            If the model cannot be loaded; the one before stays.
        ValueError
            If the image cannot be read or a click lies outside of it.
        """
        segmenter = self._models.get(request.model)
        if segmenter is not self._segmenter:
            self._segmenter, self._image, self._start = segmenter, None, None
        image, clicked = request.image, request.object
        if image is not self._image:
            self._image = self._start = None
            if image is not None:
                segmenter.set_image(image, image.limits)
                self._image = image
        if image is None or clicked is None:
            return ObjectMask(segmenter.device)
        start = clicked.start
        if start is not self._start:
            if start is None:
                segmenter.clear()
            else:
                whole = Window(0, 0, *image.shape[:2])
                segmenter.set_mask(start.part.over(whole).mask)
            self._start = start
        segmenter.set_view(clicked.view)
        prediction = segmenter.set_prompts(clicked.prompts)
        part = segmenter.cut_out(request.threshold, request.tidy)
        return ObjectMask(segmenter.device, prediction.milliseconds, part)


def load_segmenter(model: str) -> "ClickSegmenter":
    """Load a model, on the best device there is; see :class:`ClickSegmenter`."""
    # Here and not above: onnxruntime takes a while, and this runs in the background.
    from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter

    keep_triton_apart()
    return ClickSegmenter.from_pretrained(model)
