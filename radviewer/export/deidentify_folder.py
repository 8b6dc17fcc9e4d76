"""A folder that is filled as a whole: nothing is overwritten, and nothing is left half done."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from radviewer.dicom.sources import reason_of
from radviewer.errors import NotSaved


@contextmanager
def new_contents(out: Path) -> Iterator[Path]:
    """Folder to write in; what is in it in the end appears in `out`, together or not at all.

    Raises
    ------
    NotSaved
        If `out` is not empty, is no folder, cannot be written or the disk is full.

    """
    created = not out.exists()
    staging = out / f".radviewer-{secrets.token_hex(4)}.part"
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise NotSaved(f"{out} holds files already, and none is overwritten. Name a new or an empty folder.")
        staging.mkdir()
        yield staging
        for path in sorted(staging.iterdir()):
            if (out / path.name).exists():
                raise NotSaved(f"{out} was written to by somebody else meanwhile. Name a new or an empty folder.")
            path.rename(out / path.name)
    except (FileExistsError, NotADirectoryError) as error:
        raise NotSaved(f"{out} is not a folder. Name a new or an empty folder.") from error
    except OSError as error:
        raise NotSaved(
            f"{out} could not be written: {_why(error)}. Free some space or choose another folder for the copies."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if created:
            with suppress(OSError):
                out.rmdir()  # only if nothing is in it


def _why(error: OSError) -> str:
    return "there is no permission to write there" if isinstance(error, PermissionError) else reason_of(error)
