"""The tables of hanging protocols: resources/hanging-protocols.toml, and the reader's own before it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

from radviewer import paths
from radviewer.app.hanging import PLANES, Protocol, Wanted
from radviewer.app.hanging_facts import KINDS, ORIENTATIONS
from radviewer.app.layouts import MOST_VIEWPORTS, Layout
from radviewer.app.settings import write_atomically
from radviewer.app.toml_files import read_toml
from radviewer.errors import BadResource

NAME = "hanging-protocols.toml"
_MOST_PROTOCOLS, _MOST_WORDS, _LONGEST = 200, 40, 60
_MOST_PRIORS, _MOST_SLICES = 5, 100_000
_FITTING = "fitting"  # a layout as large as what was found
_LAYOUTS = (*(layout.value for layout in Layout), _FITTING)
_HEADER = """\
# Your own hanging protocols.  They are asked before the bundled ones, which stand below as comments: take the "# "
# away from one to change it (the bundled one of the same name is then no longer used), or write new ones.
# This file is read when a study is opened.  A wrong line is named, and the bundled protocols are used instead.
#
"""


class _Wrong(ValueError):
    """A key of an entry, what is allowed there, and in which cell."""

    def __init__(self, key: str, allowed: str, cell: int | None = None) -> None:
        super().__init__(key)
        self.key, self.allowed, self.cell = key, allowed, cell

    @property
    def place(self) -> str:
        """Cell and key in words."""
        return f'key "{self.key}"' if self.cell is None else f'cell {self.cell}, key "{self.key}"'


def own_table() -> Path:
    """Where the reader's table lies, if there is one."""
    return paths.user_data() / NAME


def bundled_table() -> Path:
    """The program's own table."""
    return paths.resources() / NAME


def write_own_table() -> Path:
    """Write the reader's table with the bundled protocols as comments, unless there is one.

    Raises
    ------
    NotSaved
        Disk full, no permission, …

    """
    path = own_table()
    if not path.exists():
        lines = bundled_table().read_text(encoding="utf-8").splitlines()
        text = "\n".join(line if not line.strip() or line.startswith("#") else f"# {line}" for line in lines)
        write_atomically(path, f"{_HEADER}{text}\n".encode())
    return path


def read_protocols() -> tuple[tuple[Protocol, ...], tuple[str, ...]]:
    """Read both tables.

    Returns
    -------
    tuple of Protocol
        The reader's first; a bundled one whose name the reader uses is left out.
    tuple of str
        What is wrong with the tables, in sentences for the reader.

    """
    own: tuple[Protocol, ...] = ()
    bundled: tuple[Protocol, ...] = ()
    problems: list[str] = []
    try:
        if own_table().exists():
            own = read_table(own_table(), "The bundled hanging protocols are used instead.")
    except BadResource as error:
        problems.append(str(error))
    try:
        bundled = read_table(bundled_table(), "It is not used.")
    except BadResource as error:
        problems.append(str(error))
    names = {protocol.name for protocol in own}
    return (*own, *(protocol for protocol in bundled if protocol.name not in names)), tuple(problems)


def read_table(path: Path, consequence: str) -> tuple[Protocol, ...]:
    """Read one table.

    Parameters
    ----------
    path : Path
        A .toml file; resources/hanging-protocols.toml says what it holds.
    consequence : str
        Sentence that ends what is said of a wrong table.

    Raises
    ------
    BadResource
        If it cannot be read or a line is wrong; the message names the protocol, the key and what is allowed.

    """
    entries = _entries(path, consequence)
    found: dict[str, Protocol] = {}
    for number, entry in enumerate(entries, 1):
        name = entry.get("name") if isinstance(entry, dict) else None
        named = (
            f'protocol "{name[:_LONGEST]}"' if isinstance(name, str) and name.isprintable() else f"protocol {number}"
        )
        try:
            protocol = _protocol(entry)
            if protocol.name in found:
                raise _Wrong("name", "each name once, and another protocol has this one")
        except _Wrong as wrong:
            raise BadResource(f"{path}, {named}, {wrong.place}: allowed is {wrong.allowed}. {consequence}") from wrong
        found[protocol.name] = protocol
    return tuple(found.values())


def _entries(path: Path, consequence: str) -> list[Any]:
    try:
        if not path.is_file():
            raise BadResource(f"{path} is no file. {consequence}")
    except OSError as error:
        raise BadResource(f"{path} could not be read: {error.strerror}. {consequence}") from error
    _, table = read_toml(path, consequence, consequence)
    unknown = sorted(set(table) - {"protocol"})
    entries = table.get("protocol", [])
    if unknown or not isinstance(entries, list):
        key = unknown[0] if unknown else "protocol"
        raise BadResource(f'{path}, key "{key[:_LONGEST]}": allowed are entries [[protocol]] only. {consequence}')
    if len(entries) > _MOST_PROTOCOLS:
        raise BadResource(f"{path} holds {len(entries)} protocols; {_MOST_PROTOCOLS} are allowed. {consequence}")
    return entries


def _protocol(entry: Any) -> Protocol:
    keys = ("name", "modality", "body_part", "view", "priors", "layout", "fewest", "cells")
    _check_keys(entry, keys)
    name = entry.get("name")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= _LONGEST or not name.isprintable():
        raise _Wrong("name", f"a text of 1 to {_LONGEST} letters")
    modality = _words(entry, "modality")
    if not modality:
        raise _Wrong("modality", 'a DICOM modality or a list of them, such as "MR" or ["CR", "DX"]')
    layout = entry.get("layout")
    if layout not in _LAYOUTS:
        raise _Wrong("layout", _one_of(_LAYOUTS))
    cells = _cells(entry.get("cells"), None if layout == _FITTING else Layout(layout))
    needed = [cell.prior for cell in cells if not cell.optional]
    return Protocol(
        name=name.strip(),
        modality=modality,
        layout=None if layout == _FITTING else Layout(layout),
        cells=cells,
        fewest=_number(entry, "fewest", max(1, len(needed)), 1, len(cells)),
        body_part=_words(entry, "body_part"),
        view=_words(entry, "view"),
        priors=_number(entry, "priors", max(needed, default=0), 0, _MOST_PRIORS),
    )


def _cells(entries: Any, layout: Layout | None) -> tuple[Wanted, ...]:
    most = MOST_VIEWPORTS if layout is None else layout.count
    if not isinstance(entries, list) or not 1 <= len(entries) <= most:
        raise _Wrong("cells", f"a list of 1 to {most} cells, as many as the layout holds")
    cells = []
    for number, entry in enumerate(entries, 1):
        try:
            cells.append(_cell(entry, optional=layout is None))
        except _Wrong as wrong:
            raise _Wrong(wrong.key, wrong.allowed, number) from wrong
    return tuple(cells)


def _cell(entry: Any, *, optional: bool) -> Wanted:
    keys = (
        "modality", "view", "laterality", "kind", "orientation", "slices", "prior", "plane", "chest_wall", "optional",
    )  # fmt: skip
    _check_keys(entry, keys)
    left_out = entry.get("optional", optional)
    if not isinstance(left_out, bool):
        raise _Wrong("optional", "true or false")
    return Wanted(
        modality=_words(entry, "modality"),
        view=_words(entry, "view"),
        laterality=_choice(entry, "laterality", ("R", "L", "B")),
        kind=_choice(entry, "kind", KINDS),
        orientation=_choice(entry, "orientation", ORIENTATIONS),
        slices=_number(entry, "slices", 1, 1, _MOST_SLICES),
        prior=_number(entry, "prior", 0, 0, _MOST_PRIORS),
        plane=_choice(entry, "plane", PLANES),
        chest_wall=_wall(entry),
        optional=left_out,
    )


def _check_keys(entry: Any, allowed: Collection[str]) -> None:
    if not isinstance(entry, dict):
        raise _Wrong("protocol", "a table of keys and values")
    unknown = sorted(set(entry) - set(allowed))
    if unknown:
        raise _Wrong(unknown[0][:_LONGEST], _one_of(allowed))


def _words(entry: dict[str, Any], key: str) -> tuple[str, ...]:
    value = entry.get(key, [])
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or len(words) > _MOST_WORDS:
        raise _Wrong(key, f"a text or a list of at most {_MOST_WORDS} texts")
    if any(not isinstance(word, str) or not 1 <= len(word.strip()) <= _LONGEST for word in words):
        raise _Wrong(key, f"texts of 1 to {_LONGEST} letters")
    return tuple(word.strip().upper() for word in words)


def _choice(entry: dict[str, Any], key: str, allowed: Collection[str]) -> str:
    value = entry.get(key, "")
    if not isinstance(value, str) or (key in entry and value not in allowed):
        raise _Wrong(key, _one_of(allowed))
    return value


def _wall(entry: dict[str, Any]) -> Literal["", "left", "right"]:
    match _choice(entry, "chest_wall", ("left", "right")):
        case "left":
            return "left"
        case "right":
            return "right"
        case _:
            return ""


def _number(entry: dict[str, Any], key: str, default: int, least: int, most: int) -> int:
    value = entry.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _Wrong(key, f"a number from {least} to {most}")
    return value


def _one_of(allowed: Collection[str]) -> str:
    return "one of " + ", ".join(allowed)
