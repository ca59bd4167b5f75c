"""A network told of all prompts."""

from collections.abc import Sequence

from napari_edgeflow.engine.guide import Guide
from napari_edgeflow.engine.image import ImageReader, Window
from napari_edgeflow.engine.look import Look
from napari_edgeflow.engine.prediction import Prediction
from napari_edgeflow.engine.prompts import Prompt
from napari_edgeflow.engine.runtime import Network
from napari_edgeflow.engine.zoom import ZoomSettings, network_shape


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
