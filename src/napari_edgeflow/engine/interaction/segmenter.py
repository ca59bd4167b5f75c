"""Prompts to masks: one image, one object, a network that follows each click."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.guide import Guide
from napari_edgeflow.engine.interaction.look import Look
from napari_edgeflow.engine.interaction.prediction import THRESHOLD, Prediction
from napari_edgeflow.engine.interaction.prompts import (
    Box,
    Brush,
    Prompt,
    brushed,
    check_prompts,
    clicks_of,
)
from napari_edgeflow.engine.interaction.zoom import ZoomSettings, network_shape
from napari_edgeflow.engine.raster.image import ImageReader, Window
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.engine.raster.tidy import TidySettings, tidied
from napari_edgeflow.engine.runtime.clicks import load_network
from napari_edgeflow.engine.runtime.network import Network

DEFAULT_MODEL = "edgeflow-lite"


class ClickSegmenter:
    """Segments one object at a time in one image at a time.

    Parameters
    ----------
    network : Network
        What turns an image and interaction maps into probabilities.
    zoom : ZoomSettings
        What the network gets to see.

    Examples
    --------
    >>> segmenter = ClickSegmenter.from_pretrained("edgeflow-lite")
    >>> segmenter.set_image(image)
    >>> probabilities = segmenter.add_click((120, 200))
    >>> mask = segmenter.mask()
    """

    def __init__(self, network: Network, zoom: ZoomSettings | None = None) -> None:
        self._guided = GuidedNetwork(network, zoom or ZoomSettings())
        self._reader: ImageReader | None = None
        self._results: list[tuple[Prompt, Prediction]] = []
        """All that is known: the prompts that count, then those that were undone."""
        self._count = 0
        self._base: Prediction | None = None
        self._view: Window | None = None

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | Path = DEFAULT_MODEL, device: str = "auto"
    ) -> "ClickSegmenter":
        """Load a bundled model by name, or a checkpoint by path.

        Parameters
        ----------
        name_or_path : str or Path
            For example "edgeflow-lite".
        device : str
            "auto" takes CUDA, then MPS, then the CPU; or one of those by name.

        Raises
        ------
        ValueError
            If model or device are unknown, or the checkpoint is not ours.
        """
        return cls(load_network(name_or_path, device))

    @property
    def device(self) -> str:
        """Where the network runs: "cuda", "mps" or "cpu"."""
        return self._guided.device

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """All that was said of the object so far, oldest first."""
        return tuple(prompt for prompt, _ in self._results[: self._count])

    @property
    def clicks(self) -> tuple[Click, ...]:
        """The clicks so far, those of strokes too, oldest first."""
        return clicks_of(self.prompts)

    @property
    def brushed(self) -> Brush | None:
        """The pixels that are in or out of the mask whatever the network says."""
        return brushed(self.prompts)

    @property
    def prediction(self) -> Prediction:
        """What the network said last, before that :meth:`set_mask` or nothing.

        Raises
        ------
        ValueError
            If no image is set.
        """
        if self._count:
            return self._results[self._count - 1][1]
        return self._base or Prediction.nothing(self._image().shape)

    def set_image(
        self, image: ArrayLike | ImageReader, limits: tuple[float, float] | None = None
    ) -> None:
        """Choose the image; clicks and masks of the one before are forgotten.

        Parameters
        ----------
        image : array_like or ImageReader
            (H, W) or (H, W, C), of any size and numeric type; see
            :class:`image.ImageReader`.
        limits : tuple of float, optional
            Values shown as black and as white; a reader has its own.

        Raises
        ------
        ValueError
            If it is no 2-D image or has no pixels.
        """
        self._reader = ImageReader.of(image, limits)
        self._reader.prepare()
        self._view = None
        self.clear()

    def set_view(self, view: Window | None) -> None:
        """Say which part of the image the person sees, where the first click looks.

        Parameters
        ----------
        view : Window or None
            None for the whole image. Parts outside the image are cut off.

        Raises
        ------
        ValueError
            If the view does not touch the image.
        """
        height, width = self._image().shape
        if view is not None:
            top, left = max(view.top, 0), max(view.left, 0)
            view = Window(top, left, min(view.bottom, height), min(view.right, width))
            if view.height < 1 or view.width < 1:
                raise ValueError(
                    f"the view {view} lies outside the image of {height} x {width}"
                )
        self._view = view

    def set_mask(self, mask: ArrayLike) -> None:
        """Start the object from an existing mask; clicks so far are forgotten.

        Parameters
        ----------
        mask : array_like
            (H, W), True or non-zero inside.

        Raises
        ------
        ValueError
            If its shape is not that of the image.
        """
        array = np.asarray(mask)
        if array.shape != self._image().shape:
            raise ValueError(
                f"the mask has shape {array.shape}, the image {self._image().shape}: "
                "give a mask of the image's height and width"
            )
        self.clear()
        self._base = Prediction.of_mask(array != 0)

    def add_click(
        self, position: tuple[float, float], positive: bool = True
    ) -> NDArray[np.float32]:
        """Add a click and return the new result.

        Parameters
        ----------
        position : tuple of float
            (y, x) in pixels of the image.
        positive : bool
            Whether the point is part of the object.

        Returns
        -------
        ndarray
            (H, W) float32 probabilities.

        Raises
        ------
        ValueError
            If no image is set or the click lies outside of it.
        """
        self._add(Click(float(position[0]), float(position[1]), positive))
        return self.prediction.full()

    def add_box(self, corners: tuple[int, int, int, int]) -> NDArray[np.float32]:
        """Say that the object fills a box, and return the new result.

        It starts the object anew; clicks made before are kept. Clicks that follow
        correct it, also beyond the box.

        Parameters
        ----------
        corners : tuple of int
            (top, left, bottom, right) in pixels of the image, the last two excluded.

        Returns
        -------
        ndarray
            (H, W) float32 probabilities.

        Raises
        ------
        ValueError
            If no image is set, or the box is empty or reaches beyond it.
        """
        self._add(Box(Window(*corners)))
        return self.prediction.full()

    def set_prompts(self, prompts: Sequence[Prompt]) -> Prediction:
        """Make ``prompts`` all that counts, and return the result.

        Results that are known already, also of undone prompts, are not computed
        again; so adding, undoing, redoing and moving a click are all this one call.

        Parameters
        ----------
        prompts : sequence of Prompt
            In the order they were made. A stroke counts like one click.

        Raises
        ------
        ValueError
            If no image is set or one lies outside of it; nothing changes then.
        """
        check_prompts(prompts, self._image().shape)
        self._count = 0
        for prompt, (known, _) in zip(prompts, self._results, strict=False):
            if prompt != known:
                break
            self._count += 1
        for prompt in prompts[self._count :]:
            self._add(prompt)
        return self.prediction

    def set_clicks(self, clicks: Sequence[Click]) -> Prediction:
        """Do :meth:`set_prompts` with clicks alone."""
        return self.set_prompts(clicks)

    def undo(self) -> NDArray[np.float32]:
        """Take the last prompt back and return exactly the earlier result (H, W).

        Raises
        ------
        ValueError
            If there is none.
        """
        if not self._count:
            raise ValueError("there is no step to undo: add one first")
        self._count -= 1
        return self.prediction.full()

    def redo(self) -> NDArray[np.float32]:
        """Bring the last undone prompt back and return its result (H, W).

        Raises
        ------
        ValueError
            If nothing was undone.
        """
        if self._count == len(self._results):
            raise ValueError("there is no step to redo: undo one first")
        self._count += 1
        return self.prediction.full()

    def clear(self) -> None:
        """Forget the prompts and the mask they started from; keep the image."""
        self._results.clear()
        self._count = 0
        self._base = None

    def mask(self, threshold: float = THRESHOLD) -> NDArray[np.bool_]:
        """Return the (H, W) bool mask of the result so far, with what was brushed."""
        part, shape = self.cut_out(threshold), self._image().shape
        return np.zeros(shape, np.bool_) if part is None else part.full(shape)

    def cut_out(
        self, threshold: float = THRESHOLD, tidy: TidySettings | None = None
    ) -> MaskPart | None:
        """Return the mask in the smallest window around it; None if it is empty.

        Parameters
        ----------
        threshold : float
            Probability from which a pixel belongs to the object.
        tidy : TidySettings, optional
            How the mask is made tidy; what was brushed stays as it was brushed.
        """
        result, brush = self.prediction, self.brushed
        part = MaskPart(result.window, result.probabilities() >= threshold)
        if brush is not None:
            part = brush.painted(part)
        if tidy is None or tidy.is_off:
            return part.tight()
        tidy_part = tidied(part, tidy, self._image().shape)
        if brush is None:
            return tidy_part
        return brush.painted(tidy_part or MaskPart(brush.window, brush.inside)).tight()

    def _image(self) -> ImageReader:
        if self._reader is None:
            raise ValueError("there is no image yet: call set_image first")
        return self._reader

    def _add(self, prompt: Prompt) -> None:
        image = self._image()
        check_prompts([prompt], image.shape)
        started = time.perf_counter()
        prompts = (*self.prompts, prompt)
        result = self._guided.after(prompts, self.prediction, image, self._view)
        elapsed = 1000 * (time.perf_counter() - started)
        known = prompt, replace(result, milliseconds=elapsed)
        self._results[self._count :] = [known]
        self._count += 1


class GuidedNetwork:
    """Runs a network on what the prompts are about.

    It keeps nothing: the same image, prompts and earlier result give the same again.

    Parameters
    ----------
    network : Network
        What turns an image and interaction maps into probabilities.
    zoom : ZoomSettings
        What the network gets to see.
    """

    def __init__(self, network: Network, zoom: ZoomSettings) -> None:
        self._network = network
        self._guide = Guide(zoom, lambda window: network_shape(window, zoom.side))

    @property
    def device(self) -> str:
        """Where the network runs."""
        return self._network.device

    def after(
        self,
        prompts: Sequence[Prompt],
        before: Prediction,
        image: ImageReader,
        view: Window | None,
    ) -> Prediction:
        """Return what the network says after the last of some prompts.

        Parameters
        ----------
        prompts : sequence of Prompt
            All of them, at least one.
        before : Prediction
            The result without the last one.
        image : ImageReader
            The image.
        view : Window or None
            Where a first click looks; None for all of the image.
        """
        looks = self._guide.looks(prompts, before, view)
        try:
            result = self._run(next(looks), image)
            while True:
                result = self._run(looks.send(result), image)
        except StopIteration as done:
            last: Prediction = done.value
            return last

    def _run(self, look: Look, image: ImageReader) -> Prediction:
        pixels = image.read(look.window, look.shape)
        return look.result(self._network(pixels, look.maps()))
