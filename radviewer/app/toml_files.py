"""Small files in TOML that a reader may have written: read whole, or refused with a sentence."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from radviewer.errors import BadResource

_MOST_BYTES = 65_536


def read_toml(path: Path, missing: str, wrong: str) -> tuple[str, dict[str, Any]]:
    """Text of a file, and what it says.

    Parameters
    ----------
    path : Path
        A regular file.
    missing, wrong : str
        Sentence that ends what is said of a file that cannot be read, and of one that is no TOML.

    Raises
    ------
    BadResource

    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BadResource(f"{path} could not be read: {error.strerror}. {missing}") from error
    if len(data) > _MOST_BYTES:
        raise BadResource(f"{path} is larger than the {_MOST_BYTES:,} bytes allowed. {missing}")
    try:
        text = data.decode()
        return text, tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadResource(f"{path} is not valid TOML: {error}. {wrong}") from error
