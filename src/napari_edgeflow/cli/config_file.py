"""Options of a command from a TOML file."""

import argparse
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

WITH_CONFIG = (("train", "semantic"), ("train", "clicks"))
"""The commands whose options a file can hold."""


def with_config(arguments: Sequence[str]) -> list[str]:
    """Return arguments with those of the file after ``--config`` put before them.

    Options of the command line come later and win over those of the file, except for
    options that can be repeated, which add up.

    Parameters
    ----------
    arguments : sequence of str
        Of the process; unchanged if they are of another command or name no file.

    Raises
    ------
    ValueError
        If the file is no TOML or holds something that is no option.
    OSError
        If it cannot be read.
    """
    path, others = _divided(arguments)
    if path is None:
        return list(arguments)
    return [*arguments[:2], *_options(path), *others]


def config_of(arguments: Sequence[str]) -> Path | None:
    """Return the file that arguments name after ``--config``, if they do."""
    return _divided(arguments)[0]


def _divided(arguments: Sequence[str]) -> tuple[Path | None, list[str]]:
    """Return the file and what is beside it after the command."""
    rest = list(arguments[2:])
    if tuple(arguments[:2]) not in WITH_CONFIG:
        return None, rest
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config", type=Path)
    found, others = parser.parse_known_args(rest)
    return found.config, others


def _options(path: Path) -> list[str]:
    try:
        record = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not TOML: {error}") from error
    return list(_parts(path, record))


def _parts(path: Path, record: Mapping[str, object]) -> Iterator[str]:
    """Yield what would be typed: a list repeats its option, true is the option alone.

    The parser checks names and values as it does those that are typed.
    """
    for key, value in record.items():
        name = f"--{key.replace('_', '-')}"
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, bool):
                yield from [name] if one else []
            elif isinstance(one, str | int | float):
                yield f"{name}={one}"
            else:
                raise ValueError(
                    f"{path}: {key} is {one!r}: use a text, a number, true or false"
                )
