"""Tables and reports of an evaluation: complete or not there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from radviewer.export.own_files import write_whole


def write_text(path: Path, text: str) -> None:
    """Write UTF-8; bytes of a file name that are not become escapes.

    Raises
    ------
    NotSaved

    """
    write_whole(path, text.encode("utf-8", "backslashreplace"))


def write_table(path: Path, header: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    """Write a CSV file.

    Raises
    ------
    NotSaved

    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    write_text(path, text.getvalue())
