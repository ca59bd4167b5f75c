"""What a network that is ready to run is to its callers, whatever runs it."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

INPUT = "image"
OUTPUT = "probabilities"
"""The names of what a semantic ONNX model takes and gives."""


class Network(Protocol):
    """An interactive network that is ready to run."""

    device: str

    def __call__(
        self, image: NDArray[np.uint8], interaction: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return (h, w) float32 probabilities.

        Parameters
        ----------
        image : ndarray
            (h, w, 3) uint8; h and w multiples of 32.
        interaction : ndarray
            (3, h, w) float32 maps as :class:`EdgeFlow` takes them.
        """


class DeviceMemoryError(MemoryError):
    """The device has too little memory for what was asked of it at once."""


class SemanticNetwork(Protocol):
    """A semantic network that is ready to run."""

    device: str

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (N, C, h, w) float32 probabilities of the classes.

        Parameters
        ----------
        images : ndarray
            (N, H, W, 3) uint8; H and W multiples of 32.

        Returns
        -------
        ndarray
            Either of the images' height and width, or smaller; see
            :class:`tiles.TileScores`.

        Raises
        ------
        DeviceMemoryError
            If the device's memory is too small for so many images.
        """
