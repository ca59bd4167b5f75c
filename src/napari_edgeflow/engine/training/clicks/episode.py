"""An object that is clicked on in training, look by look as in use."""

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.interaction.clicks import next_click, random_click
from napari_edgeflow.engine.interaction.guide import Guide
from napari_edgeflow.engine.interaction.prediction import Prediction
from napari_edgeflow.engine.interaction.prompts import clicks_of
from napari_edgeflow.engine.raster.metrics import iou
from napari_edgeflow.engine.training.clicks.samples import ClickSample


class Episode:
    """What has been said about the object of a sample so far, and what was found.

    A network that learns from windows around the truth meets others in use: those
    around its own mistakes. So it is taught where it gets itself into; Ross et al., "A
    reduction of imitation learning and structured prediction to no-regret online
    learning", AISTATS 2011.

    Attributes
    ----------
    look : Look or None
        What the network is to look at next; None if it has seen all it needs.
    iou : float
        Of the last result, over the pixels of the image that count.
    """

    def __init__(self, sample: ClickSample, guide: Guide) -> None:
        self.sample = sample
        self.prompts = sample.prompts
        self.iou = 0.0
        self._guide = guide
        self._result = sample.before or Prediction.nothing(sample.truth.shape)
        self._begin()

    def _begin(self) -> None:
        """Find out where to look after the last prompt."""
        self._looks = self._guide.looks(self.prompts, self._result, self.sample.view)
        self.look = next(self._looks, None)

    def take(self, scores: NDArray[np.float32]) -> None:
        """Go on with what the network answered to the look.

        Parameters
        ----------
        scores : ndarray
            (h, w) float32 probabilities of the look's window.
        """
        if self.look is None:
            raise ValueError("there is no look that could be answered")
        self._result = self.look.result(scores)
        self.iou = iou(self._result.mask(), self.sample.truth, self.sample.valid)
        try:
            self.look = self._looks.send(self._result)
        except StopIteration:
            self.look = None

    def correct(self, rng: np.random.Generator, careful: float) -> None:
        """Click on what is wrong; nothing is looked at if nothing is.

        Parameters
        ----------
        rng : Generator
            Where the randomness comes from.
        careful : float
            Probability of a click in the middle of the largest error; else anywhere
            in an error of that kind.
        """
        sample, mask = self.sample, self._result.mask()
        click = next_click(mask, sample.truth, sample.valid, clicks_of(self.prompts))
        if click is None:
            return
        if rng.random() >= careful:
            kind = sample.truth == click.positive
            wrong = (mask != sample.truth) & sample.valid & kind
            click = random_click(wrong, rng, positive=click.positive) or click
        self.prompts = (*self.prompts, click)
        self._begin()
