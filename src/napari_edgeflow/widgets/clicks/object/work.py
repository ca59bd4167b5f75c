"""What the click dock has done in the background: load, read, predict, threshold."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.interaction.prompts import Prompt
from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.engine.raster.tidy import RefineSettings
from napari_edgeflow.widgets.layers.planes import PlaneImage
from napari_edgeflow.widgets.qt.torch_beside_opengl import keep_triton_apart
from napari_edgeflow.widgets.qt.workers import UnusableModelError

LoadSegmenter = Callable[[str], ClickSegmenter]


@dataclass(frozen=True, slots=True, eq=False)
class ClickRequest:
    """All that decides a mask.

    Parameters
    ----------
    model : str
        Name or path of the model.
    image : PlaneImage or None
        The plane that is clicked on; None, without clicks, only loads the model.
    view : Window or None
        The part of it the person sees; None for all of it.
    prompts : tuple of Prompt
        The prompts that count; none of them only gets model and image ready.
    threshold : float
        Probability from which a pixel belongs to the object.
    start : ndarray or None
        (H, W) bool, the mask that the prompts correct; None if they start from nothing.
    refine : RefineSettings
        How the mask is made tidy.
    """

    model: str
    image: PlaneImage | None
    view: Window | None
    prompts: tuple[Prompt, ...]
    threshold: float
    start: NDArray[np.bool_] | None = None
    refine: RefineSettings = field(default_factory=RefineSettings)

    @property
    def has_object(self) -> bool:
        """Whether there is an object to compute the mask of."""
        return bool(self.prompts) or self.start is not None


@dataclass(frozen=True, slots=True, eq=False)
class ClickOutcome:
    """The answer to a :class:`ClickRequest`.

    Parameters
    ----------
    device : str
        Where the network ran.
    milliseconds : float
        What the last prompt took; 0 without prompts.
    part : MaskPart or None
        The mask in the smallest window around it; None if it is empty.
    """

    device: str
    milliseconds: float = 0.0
    part: MaskPart | None = None


class LastSegmenter:
    """Loads segmenters, keeping the last one.

    Used from one thread at a time.

    Parameters
    ----------
    load : callable
        Loads a model by name or path.
    """

    def __init__(self, load: LoadSegmenter) -> None:
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

    Parameters
    ----------
    load : callable
        Loads a model by name or path.
    """

    def __init__(self, load: LoadSegmenter) -> None:
        self._models = LastSegmenter(load)
        self._segmenter: ClickSegmenter | None = None
        self._image: PlaneImage | None = None
        self._start: NDArray[np.bool_] | None = None

    def __call__(self, request: ClickRequest) -> ClickOutcome:
        """Return the mask of a request.

        Raises
        ------
        UnusableModelError
            If the model cannot be loaded; the one before stays.
        ValueError
            If the image cannot be read or a click lies outside of it.
        """
        segmenter = self._prepared(request)
        if not request.has_object:
            return ClickOutcome(segmenter.device)
        segmenter.set_view(request.view)
        prediction = segmenter.set_prompts(request.prompts)
        part = segmenter.cut_out(request.threshold, request.refine)
        return ClickOutcome(segmenter.device, prediction.milliseconds, part)

    def _prepared(self, request: ClickRequest) -> ClickSegmenter:
        """Return the segmenter with the model and the image of a request."""
        segmenter = self._models.get(request.model)
        if segmenter is not self._segmenter:
            self._segmenter, self._image, self._start = segmenter, None, None
        image = request.image
        if image is not self._image:
            self._image = self._start = None
            if image is not None:
                segmenter.set_image(image, image.limits)
                self._image = image
        if image is not None and request.start is not self._start:
            self._start_from(segmenter, request.start)
        return segmenter

    def _start_from(
        self, segmenter: ClickSegmenter, start: NDArray[np.bool_] | None
    ) -> None:
        if start is None:
            segmenter.clear()
        else:
            segmenter.set_mask(start)
        self._start = start


def load_segmenter(model: str) -> "ClickSegmenter":
    """Load a model, on the best device there is; see :class:`ClickSegmenter`."""
    # Here and not above: onnxruntime takes a while, and this runs in the background.
    from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter

    keep_triton_apart()
    return ClickSegmenter.from_pretrained(model)
