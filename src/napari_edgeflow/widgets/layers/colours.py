"""Colormaps of labels, made quickly also for thousands of objects."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray


class _QuickColormap(DirectLabelColormap):  # type: ignore[misc]
    """A colormap that looks colours up at once.

    Whenever a colour changes, napari finds those of all 65,536 values of 16-bit labels
    in a loop of Python.
    """

    def _map_precast(
        self, values: NDArray[np.integer], *args: Any, **options: Any
    ) -> NDArray[np.floating]:
        every = np.arange(int(np.max(values, initial=0)) + 1)
        colours = super()._map_precast(every, *args, **options)
        found: NDArray[np.floating] = colours[values]
        return found


def direct_colormap(
    colours: Mapping[int | None, Sequence[float] | NDArray[np.floating]],
) -> DirectLabelColormap:
    """Return a colormap of a colour for each value.

    Parameters
    ----------
    colours : mapping
        RGBA from 0 to 1. 0 and None, which stands for all other values, are among them.
    """
    # napari looks at each colour that it is given, which takes long for thousands; but
    # those that are put in before the first use are as good.
    colormap = _QuickColormap(color_dict={value: colours[value] for value in (None, 0)})
    colormap.color_dict.update(
        (value, np.asarray(colour, np.float32)) for value, colour in colours.items()
    )
    return colormap
