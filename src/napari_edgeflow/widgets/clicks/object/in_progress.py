"""The object in progress: what is being clicked and not finished, as one value."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.prompt_records import (
    mask_of_record,
    mask_record,
    prompt_records,
    prompts_of_records,
    window_record,
)
from napari_edgeflow.engine.interaction.prompts import (
    Brush,
    Prompt,
    box_of,
    check_prompts,
    clicks_of,
    with_clicks,
)
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.engine.raster.masks import bounding_window
from napari_edgeflow.widgets.layers.object_records import ObjectRecord, Source
from napari_edgeflow.widgets.layers.planes import Plane, PlaneImage
from napari_edgeflow.widgets.workspace.history import Effect

if TYPE_CHECKING:
    from napari.layers import Image, Labels

    from napari_edgeflow.engine.labels.classes import LabelClass

_SAME = 0.99
"""IoU from which two masks count as the same: devices differ a little."""


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """An object of a Labels layer that is corrected: finishing replaces it.

    Parameters
    ----------
    value : int
        Its value in the layer: the id of its class or its own.
    part : MaskPart
        Its pixels when it was opened.
    target : Labels or None
        The layer it is in; None if that is gone or not known.
    """

    value: int
    part: MaskPart
    target: "Labels | None" = None

    @classmethod
    def of_mask(
        cls, target: "Labels", plane: Plane, mask: NDArray[np.bool_]
    ) -> "Origin":
        """Return the object that a mask (H, W) marks in a plane of a layer.

        Raises
        ------
        ValueError
            If the mask is empty or does not fit the layer.
        """
        sides = tuple(target.data.shape[axis] for axis in plane.axes)
        if mask.shape != sides:
            raise ValueError(
                f"the mask has shape {mask.shape}, the plane of {target.name!r} "
                f"{sides}: choose the labels of this image"
            )
        window = bounding_window(mask)
        if window is None:
            raise ValueError("there is no object to correct: click on a label")
        inside = mask[window.slices]
        values = plane.read(target.data, window)
        return cls(int(values[inside][0]), MaskPart(window, inside), target)

    def found_in(
        self, target: "Labels | None", plane: Plane, shape: tuple[int, int]
    ) -> "Origin":
        """Return the same object in a layer; if it is not there, in none."""
        mask = self.part.over(Window(0, 0, *shape)).mask
        if target is not None:
            found = Origin.of_mask(target, plane, mask)
            if found.value == self.value:
                return found
        return replace(self, target=None)

    def still_is(self, part: MaskPart | None) -> bool:
        """Return whether a mask is that of the object, but for a few pixels."""
        return part is not None and part.iou(self.part) >= _SAME

    def still_there(self, plane: Plane, window: Window) -> NDArray[np.bool_]:
        """Return which pixels (h, w) of a window, around all of it, it still has."""
        mask = self.part.over(window).mask
        if self.target is None:
            return np.zeros_like(mask)
        present = plane.read(self.target.data, window)
        there: NDArray[np.bool_] = mask & (present == self.value)
        return there


@dataclass(frozen=True, slots=True, eq=False)
class ObjectMask:
    """The mask of an object, and what it took.

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


@dataclass(frozen=True, slots=True, eq=False)
class ObjectInProgress(Effect):
    """What is being clicked and not finished.

    It never changes: what a person does gives the next one, which remembers the one
    before, so that undo and redo have no limit. Adding, moving and deleting clicks are
    all edits, and so are boxes, strokes, what is brushed, and clearing it. What the
    network is asked, what a project keeps on disk, what a finished object's row holds
    and what undo of a finished object goes back to all come from here.

    Parameters
    ----------
    plane : Plane
        The plane of the image that it is in.
    prompts : tuple of Prompt
        Clicks, box, strokes and what was brushed, oldest first.
    class_id : int
        The class it is to get.
    spent : float
        Seconds that the person spent on it until ``since``.
    since : float or None
        Moment on the monotonic clock from which they are on it; None while nobody is.
    view : Window or None
        What the person saw of the plane at first; None for all of it.
    origin : Origin or None
        The object that is corrected; None for a new one.
    replays : bool
        Whether the prompts are those that once gave ``origin``, so that they start
        from nothing rather than from its mask.
    image : PlaneImage or None
        The pixels of the plane; None for one that was read from disk.
    layer : reference or None
        For a finished one, the image it was clicked on, which is not kept for that.
    mask : ObjectMask or None
        The mask; None until it is computed.
    finishing : bool
        Whether the person wants it finished as soon as there is a mask.
    in_doubt : bool
        Whether it is to be seen yet if the prompts still give ``origin``.
    """

    plane: Plane
    prompts: tuple[Prompt, ...]
    class_id: int
    spent: float = 0.0
    since: float | None = None
    view: Window | None = None
    origin: Origin | None = None
    replays: bool = False
    image: PlaneImage | None = field(default=None, repr=False)
    layer: "ref[Image] | None" = None
    mask: ObjectMask | None = None
    finishing: bool = False
    in_doubt: bool = False
    _before: "ObjectInProgress | None" = field(default=None, repr=False)
    _after: "ObjectInProgress | None" = field(default=None, repr=False)

    @classmethod
    def begun(
        cls, image: PlaneImage, class_id: int, view: Window | None = None
    ) -> "ObjectInProgress":
        """Return an object of which nothing was said yet."""
        now = time.monotonic()
        return cls(image.plane, (), class_id, since=now, view=view, image=image)

    # ---- what it is

    @property
    def is_active(self) -> bool:
        """Whether there is anything of it: before the first prompt there is not."""
        return bool(self.prompts) or self.origin is not None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the plane; (0, 0) without its pixels."""
        return (0, 0) if self.image is None else self.image.shape[:2]

    @property
    def clicks(self) -> tuple[Click, ...]:
        """The clicks that count now, those of strokes too, in order."""
        return clicks_of(self.prompts)

    @property
    def start(self) -> Origin | None:
        """The object whose mask the prompts start from; None for nothing."""
        return None if self.replays else self.origin

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return self._before is not None

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to bring back."""
        return self._after is not None

    @property
    def seconds(self) -> float:
        """Time that the person spent on it; 0 before the first prompt."""
        if not (self.prompts or self.can_undo):
            return 0.0
        now = 0.0 if self.since is None else time.monotonic() - self.since
        return self.spent + now

    @property
    def source(self) -> Source:
        """What it is made with."""
        if box_of(self.prompts) is not None:
            return "box"
        return "click" if self.clicks or not self.prompts else "brush"

    @property
    def nbytes(self) -> int:
        """How much memory its pixels take, about."""
        painted = sum(
            prompt.inside.nbytes + prompt.outside.nbytes
            for prompt in self.prompts
            if isinstance(prompt, Brush)
        )
        return painted + (0 if self.origin is None else self.origin.part.mask.nbytes)

    def moved(self, image: "Image") -> "ObjectInProgress":
        """Return the same for another layer that shows the image."""
        return replace(self, layer=ref(image))

    @property
    def in_progress(self) -> "ObjectInProgress":
        """Itself, for undo of its finishing."""
        return self

    # ---- the next one

    def edited(self, prompts: Sequence[Prompt]) -> "ObjectInProgress":
        """Return it with ``prompts`` as all that counts; what was undone is gone.

        Raises
        ------
        ValueError
            If one lies outside of the image.
        """
        if tuple(prompts) == self.prompts:
            return self
        if self.image is not None:
            check_prompts(prompts, self.shape)
        return self._next(prompts=tuple(prompts))

    def with_points(
        self, points: NDArray[np.float64], positive: NDArray[np.bool_]
    ) -> "ObjectInProgress":
        """Return it with points as its clicks.

        Parameters
        ----------
        points : ndarray
            (N, D) positions in pixels of the image.
        positive : ndarray
            (N,) bool, whether they are part of the object.

        Raises
        ------
        ValueError
            If one lies in another plane or outside of the image.
        """
        clicks = tuple(self._as_clicks(points, positive))
        return self.edited(with_clicks(self.prompts, clicks))

    def cleared(self) -> "ObjectInProgress":
        """Return it without all prompts, and without the object that they correct."""
        if not self.is_active:
            return self
        return self._next(prompts=(), origin=None, replays=False)

    def undone(self) -> "ObjectInProgress":
        """Return it before the last edit, if there is one."""
        if self._before is None:
            return self
        return self._before._as_of(self, _after=self._as_of(self))

    def redone(self) -> "ObjectInProgress":
        """Return it after the edit that was undone last, if there is one."""
        if self._after is None:
            return self
        return self._after._as_of(self, _before=self._as_of(self, _after=None))

    def opened(self, image: PlaneImage, target: "Labels | None") -> "ObjectInProgress":
        """Return one that was kept, in progress; undo takes back prompt by prompt.

        Parameters
        ----------
        image : PlaneImage
            The plane.
        target : Labels or None
            Where it is to go. If what it corrects is not there, it will be a new
            object.

        Raises
        ------
        ValueError
            If a prompt lies outside of the image, or the labels do not fit it.
        """
        shape = image.shape[:2]
        check_prompts(self.prompts, shape)
        origin = self.origin
        if origin is not None:
            origin = origin.found_in(target, self.plane, shape)
        # There is nothing to see of an object before the first of its own prompts.
        first = 1 if self.replays and self.prompts else 0
        result = replace(
            self,
            prompts=self.prompts[:first],
            since=time.monotonic(),
            origin=origin,
            image=image,
        )
        for count in range(first, len(self.prompts)):
            result = result._next(prompts=self.prompts[: count + 1])
        return replace(result, in_doubt=self.in_doubt)

    def masked(self, mask: ObjectMask) -> "ObjectInProgress":
        """Return it with its mask.

        If it was in doubt and the mask is not that of ``origin``, somebody edited that
        since: nothing is said of it yet then, and its mask is what clicks start from.
        """
        origin = self.origin
        if self.in_doubt and origin is not None and not origin.still_is(mask.part):
            return self._as_of(
                self, prompts=(), replays=False, _before=None, _after=None
            )
        return replace(self, mask=mask, in_doubt=False)

    def at_rest(self) -> "ObjectInProgress":
        """Return what is kept of it: no edits, and nothing that holds layers."""
        origin = self.origin
        return self._as_of(
            self,
            spent=self.seconds,
            since=None,
            origin=None if origin is None else replace(origin, target=None),
            image=None,
            _before=None,
            _after=None,
        )

    def _next(self, **changes: Any) -> "ObjectInProgress":
        before = self._as_of(self, _after=None)
        return replace(before, _before=before, **changes)

    def _as_of(self, now: "ObjectInProgress", **changes: Any) -> "ObjectInProgress":
        """Return it with what is no edit as it is now, and its mask yet unknown."""
        return replace(
            self,
            class_id=now.class_id,
            mask=None,
            finishing=False,
            in_doubt=False,
            **changes,
        )

    def _as_clicks(
        self, points: NDArray[np.float64], positive: NDArray[np.bool_]
    ) -> Iterator[Click]:
        for point, sign in zip(points.tolist(), positive.tolist(), strict=True):
            if not self.plane.holds(point):
                raise ValueError(self.beside)
            y, x = self.plane.position(point)
            if self.image is not None and not self.image.holds(y, x):
                height, width = self.shape
                raise ValueError(
                    f"The click (y={y:.0f}, x={x:.0f}) lies outside the image of "
                    f"{height} x {width} pixels: click inside it."
                )
            yield Click(y, x, sign)

    @property
    def beside(self) -> str:
        """What to tell a person who clicks in another plane."""
        return (
            f"The object in progress is in {self.plane.name}: finish or clear it "
            "before you click elsewhere."
        )

    # ---- what others keep of it

    def record(self, value: int, entry: "LabelClass") -> ObjectRecord:
        """Return the row of the finished object, with its id and its class."""
        clicks = self.clicks
        return ObjectRecord(
            value,
            entry.id,
            entry.name,
            clicks,
            self.seconds,
            self.plane,
            self.source,
            self.view,
            () if clicks == self.prompts else self.prompts,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the draft: what a project keeps on disk, as JSON values."""
        origin = self.origin
        return {
            "plane": list(self.plane.index),
            "prompts": prompt_records(self.prompts),
            "class_id": self.class_id,
            "seconds": round(self.seconds, 2),
            "view": None if self.view is None else window_record(self.view),
            "origin_id": None if origin is None else origin.value,
            "origin_window": None
            if origin is None
            else window_record(origin.part.window),
            "origin_mask": None if origin is None else mask_record(origin.part.mask),
            "replays": self.replays,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "ObjectInProgress":
        """Return the object of a draft, at rest; see :meth:`opened`.

        Raises
        ------
        ValueError
            If it is damaged.
        """
        try:
            view, window = record["view"], record["origin_window"]
            origin = None
            if window is not None:
                place = Window(*window)
                shape = (place.height, place.width)
                mask = mask_of_record(record["origin_mask"], shape)
                origin = Origin(int(record["origin_id"]), MaskPart(place, mask))
            return cls(
                Plane(tuple(record["plane"])),
                prompts_of_records(record["prompts"]),
                int(record["class_id"]),
                float(record["seconds"]),
                view=None if view is None else Window(*view),
                origin=origin,
                replays=bool(record["replays"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"the object that was in progress is damaged ({error!r}): its clicks "
                "are lost, the finished objects are not"
            ) from None
