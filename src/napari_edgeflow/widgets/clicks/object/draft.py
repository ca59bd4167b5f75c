"""The object in progress as plain values, so that it outlives the program."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_edgeflow.engine.interaction.prompt_records import (
    mask_of_record,
    mask_record,
    prompt_records,
    prompts_of_records,
    window_record,
)
from napari_edgeflow.engine.interaction.prompts import Prompt
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.widgets.clicks.object.origin import Refinement
from napari_edgeflow.widgets.layers.planes import Plane

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_edgeflow.widgets.clicks.object.session import ClickSession


@dataclass(frozen=True, slots=True, eq=False)
class ObjectDraft:
    """The object in progress.

    Parameters
    ----------
    plane : Plane
        The plane of the image that it is in.
    prompts : tuple of Prompt
        Clicks, box, strokes and what was brushed, oldest first.
    class_id : int
        The class it is to get.
    seconds : float
        What the person spent on it.
    view : Window or None
        What the person saw of the plane at first; None for all of it.
    origin_id : int or None
        Value in its layer of the object that is corrected; None for a new one.
    origin : MaskPart or None
        That object's pixels.
    replays : bool
        Whether the prompts are those that once gave that object.
    """

    plane: Plane
    prompts: tuple[Prompt, ...]
    class_id: int
    seconds: float = 0.0
    view: Window | None = None
    origin_id: int | None = None
    origin: MaskPart | None = None
    replays: bool = False

    @classmethod
    def of_session(cls, session: "ClickSession", class_id: int) -> "ObjectDraft | None":
        """Return the object of a session; None if there is none."""
        image, state = session.image, session.state
        if image is None or not session.active:
            return None
        origin = state.origin
        return cls(
            image.plane,
            state.prompts,
            class_id,
            session.seconds,
            session.view,
            None if origin is None else origin.value,
            None if origin is None else origin.part,
            state.replays,
        )

    def refinement(
        self, shape: tuple[int, int], target: "Labels | None"
    ) -> Refinement | None:
        """Return the object that is corrected; None for a new one.

        Parameters
        ----------
        shape : tuple of int
            Height and width of the plane.
        target : Labels or None
            The layer it is in. If it is not, finishing makes a new object.
        """
        part = self.origin
        if part is None or self.origin_id is None:
            return None
        mask = part.over(Window(0, 0, *shape)).mask
        if target is not None:
            found = Refinement.of_mask(target, self.plane, mask)
            if found.value == self.origin_id:
                return found
        return Refinement(None, self.plane, mask, part.window, self.origin_id)

    def to_json(self) -> dict[str, Any]:
        """Return values that JSON can hold."""
        origin = self.origin
        return {
            "plane": list(self.plane.index),
            "prompts": prompt_records(self.prompts),
            "class_id": self.class_id,
            "seconds": round(self.seconds, 2),
            "view": None if self.view is None else window_record(self.view),
            "origin_id": self.origin_id,
            "origin_window": None if origin is None else window_record(origin.window),
            "origin_mask": None if origin is None else mask_record(origin.mask),
            "replays": self.replays,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "ObjectDraft":
        """Return the draft that :meth:`to_json` wrote.

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
                origin = MaskPart(place, mask_of_record(record["origin_mask"], shape))
            return cls(
                Plane(tuple(record["plane"])),
                prompts_of_records(record["prompts"]),
                int(record["class_id"]),
                float(record["seconds"]),
                None if view is None else Window(*view),
                record["origin_id"],
                origin,
                bool(record["replays"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"the object that was in progress is damaged ({error!r}): its clicks "
                "are lost, the finished objects are not"
            ) from None
