"""One look of a network at an image: what it is shown and told, what it answers."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.interaction.clicks import Click, disk_maps
from napari_edgeflow.engine.interaction.prediction import THRESHOLD, Prediction
from napari_edgeflow.engine.interaction.prompts import Brush
from napari_edgeflow.engine.interaction.steadiness import CLOSE_UP, steadied
from napari_edgeflow.engine.interaction.zoom import scaled_clicks
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.masks import signed_edge


@dataclass(frozen=True, eq=False)
class Look:
    """What a network is shown and told in one run.

    Parameters
    ----------
    window : Window
        The part of the image it sees.
    shape : tuple of int
        Height and width that part is resized to.
    clicks : tuple of Click
        What it is told, in pixels of the image; at least one.
    before : Prediction
        The result before, whose edge guides it.
    level : float
        Where the outline of that result is taken to be.
    brush : Brush or None
        What was painted into that result.
    follows : bool
        Whether the last click follows up on a result of the network: close up it is
        steadied by that, then.
    """

    window: Window
    shape: tuple[int, int]
    clicks: tuple[Click, ...]
    before: Prediction
    level: float = THRESHOLD
    brush: Brush | None = None
    follows: bool = False

    @cached_property
    def _earlier(self) -> NDArray[np.float32]:
        return self.before.sample(self.window, self.shape)

    @cached_property
    def _scaled(self) -> list[Click]:
        return scaled_clicks(self.clicks, self.window, self.shape)

    def maps(self) -> NDArray[np.float32]:
        """Return the interaction maps (3, h, w) float32: clicks of each sign, edge."""
        mask = self._earlier >= self.level
        if self.brush is not None:
            self.brush.apply_scaled(mask, self.window, self.before.shape)
        disks = disk_maps(self._scaled, self.shape)
        return np.concatenate([disks, signed_edge(mask)[None]])

    def result(self, scores: NDArray[np.float32]) -> Prediction:
        """Return what the network's answer says about the image.

        Parameters
        ----------
        scores : ndarray
            (h, w) float32 probabilities of the window.
        """
        if self.follows and self.shape[0] >= CLOSE_UP * self.window.height:
            scores = steadied(scores, self._earlier, self._scaled[-1], self.level)
        return Prediction(self.before.shape, self.window, scores)
