"""How objects came to be: the rows of a Labels layer's features."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.prompt_records import (
    prompt_records,
    prompts_of_records,
    window_record,
)
from napari_edgeflow.engine.interaction.prompts import Prompt
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.widgets.layers.planes import Plane

if TYPE_CHECKING:
    from napari.layers import Labels

Source = Literal["click", "box", "brush", "polygon", "auto", "import", "propagated"]
"""What an object was made with."""

RowValues = dict[str, object]


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """How an object came to be: one row of ``layer.features``.

    Parameters
    ----------
    object_id : int
        Its value in the layer.
    class_id : int
        Its class; 0 for none.
    class_name : str
        The name of its class.
    clicks : tuple of Click
        The clicks that gave it.
    seconds : float
        From the first click to its end.
    plane : Plane
        Where it is.
    source : str
        What it was made with.
    view : Window or None
        The part of the plane the person saw at the first click; None for all of it.
        The same clicks give the same mask only with the same view.
    prompts : tuple of Prompt
        All that gave it, if that is more than clicks; else empty.
    """

    object_id: int
    class_id: int
    class_name: str
    clicks: tuple[Click, ...]
    seconds: float
    plane: Plane
    source: Source = "click"
    view: Window | None = None
    prompts: tuple[Prompt, ...] = ()

    @property
    def said(self) -> tuple[Prompt, ...]:
        """All that the person said of it, in order."""
        return self.prompts or self.clicks

    def as_row(self) -> RowValues:
        """Return the row's values by column."""
        more = json.dumps(prompt_records(self.prompts)) if self.prompts else ""
        return {
            "index": self.object_id,
            "class_id": self.class_id,
            "class_name": self.class_name,
            "clicks": json.dumps(prompt_records(self.clicks)),
            "seconds": round(self.seconds, 2),
            "plane": json.dumps(self.plane.index),
            "source": self.source,
            "view": json.dumps(self.view and window_record(self.view)),
            "prompts": more,
        }

    @classmethod
    def from_row(cls, values: Mapping[str, object], ndim: int) -> "ObjectRecord":
        """Return the record of a row, whoever wrote it; what it lacks is left empty.

        Parameters
        ----------
        values : mapping
            The row's values by column.
        ndim : int
            How many axes the layer has.
        """
        source = values.get("source")
        flat = Plane((*[0] * (ndim - 2), None, None))
        return cls(
            int(_number(values.get("index"))),
            int(_number(values.get("class_id"))),
            _text(values.get("class_name")),
            _parse(_read_clicks, values.get("clicks"), ()),
            _number(values.get("seconds")),
            _parse(_read_plane, values.get("plane"), flat),
            next((known for known in get_args(Source) if known == source), "import"),
            _parse(_read_window, values.get("view"), None),
            _parse(_read_prompts, values.get("prompts"), ()),
        )


def _number(value: object) -> float:
    number = float(value) if isinstance(value, Real) else 0.0
    return 0.0 if isnan(number) else number


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _read_clicks(value: object) -> tuple[Click, ...]:
    return tuple(
        Click(float(c["y"]), float(c["x"]), bool(c["positive"]))
        for c in json.loads(_text(value))
    )


def _read_prompts(value: object) -> tuple[Prompt, ...]:
    return prompts_of_records(json.loads(_text(value)))


def _read_plane(value: object) -> Plane:
    plane = Plane(tuple(json.loads(_text(value))))
    # Fails for what is no plane.
    _ = plane.axes
    return plane


def _read_window(value: object) -> Window:
    top, left, bottom, right = json.loads(_text(value))
    return Window(top, left, bottom, right)


Parsed = TypeVar("Parsed")


def _parse(
    read: Callable[[object], Parsed], value: object, otherwise: Parsed
) -> Parsed:
    """Return what a cell says, or something else if it says nothing that we know."""
    try:
        return read(value)
    except (ValueError, TypeError, KeyError):
        return otherwise


@dataclass(frozen=True, slots=True, eq=False)
class ObjectRow:
    """A row of the features and its place among them."""

    at: int
    values: RowValues

    @property
    def class_id(self) -> int:
        """The object's class; 0 for none."""
        return int(_number(self.values.get("class_id")))

    def recoded(self, old: int, new: int, name: str) -> "ObjectRow":
        """Return the row with another class in place of one."""
        if self.class_id != old:
            return self
        return ObjectRow(self.at, {**self.values, "class_id": new, "class_name": name})


class ObjectRows:
    """The rows of a layer's features by object id, read and written as a whole.

    Parameters
    ----------
    layer : Labels
        The layer. Without a column "index" its rows are those of the ids 0, 1, 2, …
    """

    def __init__(self, layer: "Labels") -> None:
        self._layer = layer
        self._rows = {row["index"]: row for row in _rows(layer.features)}

    def __iter__(self) -> Iterator[RowValues]:
        """Iterate over the rows' values by column, in their order."""
        return iter(self._rows.values())

    def get(self, ids: Iterable[int]) -> dict[int, ObjectRow | None]:
        """Return the rows of ids; None for those that have none."""
        places = {index: at for at, index in enumerate(self._rows)}
        return {
            i: ObjectRow(places[i], dict(self._rows[i])) if i in places else None
            for i in ids
        }

    def update(self, rows: Iterable[RowValues]) -> None:
        """Take over values; ids that have no row yet get one at the end."""
        for values in rows:
            self._rows.setdefault(values["index"], {}).update(values)

    def remove(self, ids: Iterable[int]) -> None:
        """Take rows away."""
        for index in ids:
            self._rows.pop(index, None)

    def exchange(
        self,
        old: Mapping[int, ObjectRow | None],
        new: Mapping[int, ObjectRow | None],
    ) -> None:
        """Put rows of one time in the place of those of another.

        What was changed in a row since, and lies in other columns, stays.
        """
        items = list(self._rows.items())
        back = {
            i: row for i, row in new.items() if row is not None and i not in self._rows
        }
        for index, row in sorted(back.items(), key=lambda item: item[1].at):
            items.insert(row.at, (index, dict(row.values)))
        self._rows = dict(items)
        for index, present in new.items():
            if present is None:
                self._rows.pop(index, None)
            elif index not in back:
                _exchange_values(self._rows[index], old[index], present)

    def store(self) -> None:
        """Write the rows into the layer."""
        names = dict.fromkeys(name for row in self._rows.values() for name in row)
        if not names:
            names = dict.fromkeys(str(name) for name in self._layer.features)
        self._layer.features = {
            name: [row.get(name) for row in self._rows.values()] for name in names
        }


def _exchange_values(values: RowValues, old: ObjectRow | None, new: ObjectRow) -> None:
    """Change the values that were changed, unless somebody changed them again."""
    before = {} if old is None else old.values
    for name in before.keys() | new.values.keys():
        if values.get(name) == before.get(name):
            values[name] = new.values.get(name)


def read_records(layer: "Labels") -> dict[int, ObjectRecord]:
    """Return the records of the objects that have one, by id.

    Rows of others, without a class, are left out.
    """
    return records_of(layer.features, layer.ndim)


def records_of(features: Any, ndim: int) -> dict[int, ObjectRecord]:
    """Do :func:`read_records` for a table of features and ``ndim`` axes."""
    if "class_id" not in features:
        return {}
    records = (ObjectRecord.from_row(row, ndim) for row in _rows(features))
    return {record.object_id: record for record in records if record.object_id}


def _rows(features: Any) -> Iterator[RowValues]:
    """Yield the values of each row by column; "index" is the id it is for."""
    columns = {str(name): features[name].tolist() for name in features}
    columns.setdefault("index", list(range(len(features))))
    for row in zip(*columns.values(), strict=True):
        yield dict(zip(columns, row, strict=True))
