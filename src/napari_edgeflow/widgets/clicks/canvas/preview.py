"""The Labels layer that shows the mask so far, and that a person may paint on."""

from collections.abc import Generator, Iterable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from napari_edgeflow.engine.interaction.prompts import Brush
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.widgets.layers.colours import direct_colormap
from napari_edgeflow.widgets.layers.helpers import HELPER
from napari_edgeflow.widgets.layers.planes import (
    Plane,
    follow,
    layer_shape,
    placement,
    plane_shown,
    thick_shape,
)

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

_Colour = Sequence[float]

MASK, BAND, POSITIVE_BAND, NEGATIVE_BAND = 1, 2, 3, 4
"""Values of the layer: the mask, and what is drawn over it while a person draws."""

_BANDS: dict[int | None, _Colour] = {
    BAND: (1.0, 1.0, 1.0, 1.0),
    POSITIVE_BAND: (0.18, 0.8, 0.25, 1.0),
    NEGATIVE_BAND: (1.0, 0.18, 0.18, 1.0),
}


class ClickPreview(QObject):
    """The Labels layer "Preview", one plane thick."""

    brushed = Signal(object)
    """A person painted or erased with napari's tools: a :class:`Brush`."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        self._image: Image | None = None
        self._plane: Plane | None = None
        self._part: MaskPart | None = None
        self._waiting: list[MaskPart | None] = []
        self._painting = False
        self._band: list[Window] = []
        self._stray: list[Window] = []
        self._mode = "paint"
        self._colour: _Colour = (1.0, 1.0, 0.0, 1.0)
        self.layer: Labels | None = None

    @property
    def in_viewer(self) -> bool:
        """Whether the layer is there."""
        return self.layer is not None and self.layer in self._viewer.layers

    @property
    def is_active(self) -> bool:
        """Whether a person can paint on it now."""
        active = self._viewer.layers.selection.active
        return self.layer is not None and active is self.layer

    @property
    def is_being_painted(self) -> bool:
        """Whether a stroke is under way."""
        return self._painting

    def add(self, image: "Image", plane: Plane, index: int) -> Labels:
        """Put an empty layer on a plane of an image, at a place among the layers."""
        self._image, self._plane = image, plane
        self._forget()
        preview = Labels(
            np.zeros(thick_shape(layer_shape(image), plane), np.uint8),
            name="Preview",
            metadata={HELPER: "mask"},
            opacity=0.5,
            colormap=_colours(self._colour),
            **placement(image, plane),
        )
        preview.events.paint.connect(self._on_paint)
        preview.mouse_drag_callbacks.insert(0, self._on_press)
        self.layer = preview
        self._viewer.layers.insert(index, preview)
        self.follow_view()
        return preview

    def move(self, image: "Image", plane: Plane) -> None:
        """Move the layer to another plane of its image, and wipe it."""
        preview = self.layer
        if preview is None:
            return
        self._image, self._plane = image, plane
        shape = thick_shape(layer_shape(image), plane)
        if preview.data.shape != shape or self._part is not None or self._stray:
            self._forget()
            # napari's own undo would bring back other pixels now; its keys are ours.
            preview.data = np.zeros(shape, np.uint8)
        follow(preview, image, plane)
        self.follow_view()

    def follow_view(self) -> None:
        """Let a person paint only while the plane is shown: the layer has no other."""
        preview, shown = self.layer, self._is_shown()
        if preview is None or preview.editable == shown:
            return
        if not shown:
            # napari forgets it with that.
            self._mode = preview.mode
        preview.editable = shown
        if shown:
            preview.mode = self._mode

    def place(self, image: "Image") -> None:
        """Follow the image after it was scaled, moved or turned."""
        if self.layer is not None:
            follow(self.layer, image, self._plane)

    def remove(self) -> None:
        """Take the layer out of the viewer."""
        if self.layer is not None:
            self.layer.events.paint.disconnect(self._on_paint)
        if self.in_viewer:
            self._viewer.layers.remove(self.layer)
        self.layer = None
        self._forget()

    def _forget(self) -> None:
        self._part, self._painting = None, False
        self._waiting.clear()
        self._forget_drawn()

    def _forget_drawn(self) -> None:
        """Forget what lies over the mask."""
        self._band.clear()
        self._stray.clear()

    def activate(self) -> None:
        """Let napari's brush paint the mask."""
        if self.layer is not None and self.in_viewer:
            self._viewer.layers.selection.active = self.layer
            self.layer.selected_label = MASK
            if self.layer.mode not in ("paint", "erase", "fill", "polygon"):
                self._mode = self.layer.mode = "paint"

    def set_colour(self, colour: _Colour) -> None:
        """Show the mask in this RGBA colour."""
        self._colour = tuple(colour)
        if self.layer is not None:
            current = self.layer.colormap.color_dict.get(MASK)
            if current is None or not np.allclose(current, colour):
                self.layer.colormap = _colours(colour)

    # ---- what it shows

    def show(self, part: MaskPart | None) -> None:
        """Show a mask, touching only pixels that may change; None shows none."""
        if self._painting:
            # What is being painted must not vanish under the brush.
            self._waiting[:] = [part]
            return
        before = [*self._stray, *self._band]
        before += [] if self._part is None else [self._part.window]
        after = [] if part is None else [part.window]
        self._forget_drawn()
        if self.layer is None or not (before or after):
            return
        self._part, pixels = part, self._pixels
        for window in before:
            pixels[window.slices] = 0
        if part is not None:
            pixels[part.window.slices] = part.mask
        self._refresh([reduce(Window.union, [*before, *after])])

    def show_band(self, windows: Iterable[Window], value: int) -> None:
        """Draw rectangles over the mask, in place of those drawn before."""
        if self.layer is None:
            return
        whole = Window(0, 0, *self._pixels.shape)
        before, self._band = (
            self._band,
            [window.intersection(whole) for window in windows if window.meets(whole)],
        )
        self._draw(before)
        for window in self._band:
            self._pixels[window.slices] = value
        self._refresh(set(before) ^ set(self._band))

    @property
    def _pixels(self) -> NDArray[np.uint8]:
        """The layer's pixels as (H, W)."""
        if self.layer is None or self._plane is None:
            return np.zeros((0, 0), np.uint8)
        view: NDArray[np.uint8] = self.layer.data[
            tuple(slice(None) if at is None else 0 for at in self._plane.index)
        ]
        return view

    def _draw(self, windows: Iterable[Window]) -> None:
        """Write the mask into windows."""
        for window in windows:
            self._pixels[window.slices] = self._expected(window)

    def _expected(self, window: Window) -> NDArray[np.bool_]:
        """Return the mask in a window."""
        part = self._part
        mask = np.zeros((window.height, window.width), np.bool_)
        if part is not None and part.window.meets(window):
            both = part.window.intersection(window)
            mask[both.within(window)] = part.mask[both.within(part.window)]
        return mask

    def _refresh(self, windows: Iterable[Window]) -> None:
        """Send windows of the layer to the screen."""
        preview, pixels = self.layer, self._pixels
        if preview is None:
            return
        if not self._is_shown() or preview.contour:
            # Then napari has no way to send a part.
            preview.refresh(thumbnail=False, highlight=False, extent=False)
            return
        shown = self._viewer.dims.displayed
        for window in windows:
            part, offset = pixels[window.slices], [window.top, window.left]
            if shown[0] > shown[1]:
                part, offset = part.T, offset[::-1]
            preview.events.labels_update(data=part, offset=offset)

    def _is_shown(self) -> bool:
        """Return whether the canvas shows the plane that the layer is for."""
        if self._image is None:
            return False
        try:
            return plane_shown(self._viewer, self._image) == self._plane
        except ValueError:
            return False

    # ---- what a person paints

    def _on_press(self, layer: Labels, event: Any) -> Generator[None, None, None]:
        """Hold masks back while the mouse paints."""
        self._painting = layer.mode not in ("pan_zoom", "transform", "pick")
        yield
        while event.type == "mouse_move":
            yield
        # Not now: what was painted is told by napari's own callback, which is next.
        QTimer.singleShot(0, self._on_released)

    def _on_released(self) -> None:
        self._painting = False
        if self._waiting:
            self.show(self._waiting.pop())

    def _on_paint(self, event: Any) -> None:
        self._painting = False
        self._waiting.clear()
        window = self._painted_window(event.value)
        if window is None:
            return
        self._stray.append(window)
        brush = self._brush(window)
        if brush.inside.any() or brush.outside.any():
            self.brushed.emit(brush)

    def _brush(self, window: Window) -> Brush:
        """Return what a window shows that is not in the mask, and the reverse."""
        part, painted = self._part, self._pixels[window.slices] > 0
        # Memory is only touched where the mask is: a fill may be of all pixels.
        erased = np.zeros(painted.shape, np.bool_)
        if part is not None and part.window.meets(window):
            both = part.window.intersection(window)
            place, mask = both.within(window), part.mask[both.within(part.window)]
            erased[place] = mask > painted[place]
            painted[place] = painted[place] > mask
        return Brush(window, painted, erased)

    def _painted_window(self, atoms: Iterable[Any]) -> Window | None:
        """Return where napari says that it changed pixels."""
        plane, window = self._plane, None
        if plane is None:
            return None
        for atom in atoms:
            key = getattr(atom, "slice_key", None)
            if key is None:
                indices, *_ = atom
                key = [slice(int(np.min(i)), int(np.max(i)) + 1) for i in indices]
            rows, columns = (key[axis] for axis in plane.axes)
            part = Window(rows.start, columns.start, rows.stop, columns.stop)
            window = part if window is None else window.union(part)
        return window


def _colours(mask: _Colour) -> DirectLabelColormap:
    clear = (0.0, 0.0, 0.0, 0.0)
    colours: dict[int | None, _Colour] = {None: clear, 0: clear, MASK: tuple(mask)}
    colours.update(_BANDS)
    return direct_colormap(colours)
