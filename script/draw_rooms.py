"""Draw docs/rooms.svg: the floors and rooms of the package, and who imports whom.

    .venv/bin/python script/draw_rooms.py            write it
    .venv/bin/python script/draw_rooms.py --check    complain if it is not up to date

The order is that of the layers in the contracts of pyproject.toml, the arcs are the
imports that the code has. A floor may import every floor below it, so only arcs within
a floor are drawn, and none that follows from others.
"""

import sys
import tomllib
from html import escape
from itertools import chain
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "rooms.svg"
PACKAGE = "napari_edgeflow"

WIDTH, LEFT, BOX, ROW, GAP = 900, 200, (104, 26), 34, 18
FLOORS = {"widgets": "#dbeafe", "project": "#dcfce7", "formats": "#fef3c7"}
FLOORS |= {"engine": "#fee2e2"}


def layers_of(contracts: list[dict[str, object]], container: str) -> list[list[str]]:
    """Return the rows of a floor from the top, as its contract has them."""
    for contract in contracts:
        if contract.get("containers") == [container]:
            rows = contract["layers"]
            return [
                [name.strip(" ()") for name in row.replace(":", "|").split("|")]
                for row in rows
            ]
    raise SystemExit(f"pyproject.toml has no contract for {container}")


def direct(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the edges that do not follow from two or more others."""
    after: dict[str, set[str]] = {}
    for start, end in edges:
        after.setdefault(start, set()).add(end)

    def reached(start: str) -> set[str]:
        ends = after.get(start, set())
        return ends.union(*map(reached, ends))

    return {
        (start, end)
        for start, end in edges
        if not any(end in reached(other) for other in after[start] - {end})
    }


def draw() -> str:
    """Return the picture as SVG."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    modules = {
        f"{PACKAGE}.{name}.{room}"
        for name in FLOORS
        for room in chain(*layers_of(contracts, f"{PACKAGE}.{name}"))
    }
    for module in modules:
        if graph.find_children(module):
            graph.squash_module(module)
    parts: list[str] = []
    top = GAP
    for row in layers_of(contracts, PACKAGE):
        floor = row[0] if row[0] in FLOORS else ""
        rooms = (
            list(chain(*layers_of(contracts, f"{PACKAGE}.{floor}"))) if floor else row
        )
        height = ROW * len(rooms) + GAP - (ROW - BOX[1])
        colour = FLOORS.get(floor, "#e5e7eb")
        parts.append(
            f'<rect x="8" y="{top}" width="{WIDTH - 16}" height="{height}" rx="8" '
            f'fill="{colour}"/>'
            f'<text x="22" y="{top + 22}" class="floor">{floor}</text>'
        )
        prefix = f"{PACKAGE}.{floor}." if floor else f"{PACKAGE}."
        places = {
            prefix + room: top + GAP / 2 + at * ROW for at, room in enumerate(rooms)
        }
        imports = {
            (one, other)
            for one in places.keys() & modules
            for other in graph.find_modules_directly_imported_by(one)
            if other in places and other != one
        }
        parts += (
            arc(places[one], places[other]) for one, other in sorted(direct(imports))
        )
        parts += (box(module, y) for module, y in places.items())
        top += height + GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" '
        f'width="{WIDTH}" height="{top}" font-family="sans-serif" font-size="13">\n'
        "<style>.floor{font-weight:bold;font-size:15px}"
        "path{stroke:#475569;fill:none;opacity:.6}</style>\n"
        '<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" '
        'style="fill:#475569"/></marker>\n'
        f'<rect width="{WIDTH}" height="{top}" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def box(module: str, y: float) -> str:
    """Return a room or file: its name, and what it says that it is for."""
    path = ROOT / "src" / Path(*module.split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    sentence = source.read_text(encoding="utf-8").split('"""')[1].split("\n")[0]
    return (
        f'<rect x="{LEFT}" y="{y:.0f}" width="{BOX[0]}" height="{BOX[1]}" rx="5" '
        f'fill="white" stroke="#64748b"/><text x="{LEFT + BOX[0] / 2:.0f}" '
        f'y="{y + 18:.0f}" text-anchor="middle">{module.rsplit(".", 1)[1]}</text>'
        f'<text x="{LEFT + BOX[0] + 14}" y="{y + 18:.0f}">{escape(sentence)}</text>'
    )


def arc(start: float, end: float) -> str:
    """Return an arc from one room to another, further out the longer its way."""
    y, to = start + BOX[1] / 2, end + BOX[1] / 2
    out = LEFT - 12 - (to - y) / 4
    return (
        f'<path d="M{LEFT} {y:.0f} C{out:.0f} {y:.0f} {out:.0f} {to:.0f} '
        f'{LEFT} {to:.0f}" marker-end="url(#tip)"/>'
    )


if __name__ == "__main__":
    picture = draw()
    if "--check" not in sys.argv[1:]:
        PICTURE.write_text(picture, encoding="utf-8")
    elif not PICTURE.exists() or PICTURE.read_text(encoding="utf-8") != picture:
        sys.exit(f"{PICTURE} shows other imports: run script/draw_rooms.py")
