"""How objects came to be: the rows of a Labels layer's features."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from napari_edgeflow.engine.system.json_text import parse_json
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
        for c in parse_json(_text(value))
    )


def _read_prompts(value: object) -> tuple[Prompt, ...]:
    return prompts_of_records(parse_json(_text(value)))


def _read_plane(value: object) -> Plane:
    plane = Plane(tuple(parse_json(_text(value))))
    # Fails for what is no plane.
    _ = plane.axes
    return plane


def _read_window(value: object) -> Window:
    top, left, bottom, right = parse_json(_text(value))
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

    def recoded(self, row: Callable[[RowValues], Mapping[str, object]]) -> "ObjectRow":
        """Return it with other values, as a function makes them of its own."""
        values = row(self.values)
        return self if values is self.values else replace(self, values=dict(values))


class ObjectRows:
    """The rows of a layer's features by object id, read and written as a whole.

    They are kept by column, so that what is done to one among thousands of rows takes
    no more calls than among ten.

    Parameters
    ----------
    layer : Labels
        The layer. Without a column "index" its rows are those of the ids 0, 1, 2, …
    """

    def __init__(self, layer: "Labels") -> None:
        self._layer = layer
        self._columns = _columns(layer.features)
        self._places = _places(self._columns)
        if len(self._places) < len(self._columns["index"]):
            self._keep(list(self._places.values()))

    def get(self, ids: Iterable[int]) -> dict[int, ObjectRow | None]:
        """Return the rows of ids; None for those that have none."""
        places = {i: self._places.get(i) for i in ids}
        return {
            i: None if at is None else ObjectRow(at, self._values(at))
            for i, at in places.items()
        }

    def update(self, rows: Iterable[RowValues]) -> None:
        """Take over values; ids that have no row yet get one at the end."""
        for values in rows:
            at = self._places.setdefault(values["index"], len(self._places))
            for name in values.keys() - self._columns.keys():
                self._columns[name] = [None] * at
            if at == len(self._columns["index"]):
                for name, column in self._columns.items():
                    column.append(values.get(name))
            else:
                for name, value in values.items():
                    self._columns[name][at] = value

    def remove(self, ids: Iterable[int]) -> None:
        """Take rows away."""
        gone = {self._places[i] for i in ids if i in self._places}
        if gone:
            self._keep([at for at in range(len(self._places)) if at not in gone])

    def exchange(
        self, old: Mapping[int, ObjectRow | None], new: Mapping[int, ObjectRow | None]
    ) -> None:
        """Put rows of one time in the place of those of another.

        What was changed in a row since, and lies in other columns, stays.
        """
        order = list(range(len(self._places)))
        back = [(i, row) for i, row in new.items() if row and i not in self._places]
        for index, row in sorted(back, key=lambda item: item[1].at):
            self.update([{**row.values, "index": index}])
            order.insert(row.at, len(order))
        for index in new.keys() - {index for index, _ in back}:
            present = new[index]
            if present is not None:
                self._exchange_values(self._places[index], old[index], present)
        if back:
            self._keep(order)
        self.remove(index for index, row in new.items() if row is None)

    def store(self) -> None:
        """Write the rows into the layer."""
        if self._places:
            self._layer.features = self._columns
        else:
            self._layer.features = {str(name): [] for name in self._layer.features}

    def _values(self, at: int) -> RowValues:
        return {name: column[at] for name, column in self._columns.items()}

    def _keep(self, rows: Sequence[int]) -> None:
        """Keep these rows, in this order."""
        columns = self._columns.items()
        self._columns = {name: [column[at] for at in rows] for name, column in columns}
        self._places = _places(self._columns)

    def _exchange_values(self, at: int, old: ObjectRow | None, new: ObjectRow) -> None:
        """Change the values that were changed, unless somebody changed them again."""
        before, now = {} if old is None else old.values, self._values(at)
        changed: RowValues = {"index": now["index"]}
        for name in before.keys() | new.values.keys():
            if now.get(name) == before.get(name):
                changed[name] = new.values.get(name)
        self.update([changed])


def _columns(features: Any) -> dict[str, list[Any]]:
    """Return the values of each column; "index" has the ids that rows are for."""
    columns = {str(name): features[name].tolist() for name in features}
    columns.setdefault("index", list(range(len(features))))
    return columns


def _places(columns: Mapping[str, Sequence[Any]]) -> dict[Any, int]:
    return {index: at for at, index in enumerate(columns["index"])}


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
    """Yield the values of each row by column."""
    columns = _columns(features)
    for row in zip(*columns.values(), strict=True):
        yield dict(zip(columns, row, strict=True))
