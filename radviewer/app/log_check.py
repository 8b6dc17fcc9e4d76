"""Checks the decision log for ``radviewer verify-log``; and the site's key, where there is one."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from radviewer import paths
from radviewer.app.decision_log import DecisionLog
from radviewer.app.log_chain import Verification
from radviewer.errors import NothingToRead, RadviewerError

LOG, KEY = "decisions.sqlite", "decision-log.key"
_SHORTEST, _LONGEST = 16, 4096  # bytes


def log_path() -> Path:
    """Where the log lies."""
    return paths.user_data() / LOG


def site_key(path: Path | None = None) -> bytes | None:
    """Secret that rows are signed with: of a file named, or of ``decision-log.key`` beside the log; None without one.

    Raises
    ------
    NothingToRead
        If the file cannot be read, or is too short to be a secret.

    """
    chosen = path or paths.user_data() / KEY
    try:
        with chosen.open("rb") as stream:
            key = stream.read(_LONGEST + 1).strip()
    except FileNotFoundError:
        if path is None:
            return None
        raise NothingToRead(f"{chosen} does not exist; name the file with the site's key.") from None
    except OSError as error:
        raise NothingToRead(f"{chosen} cannot be read: {error.strerror}.") from error
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise NothingToRead(f"{chosen} is no key: it should hold {_SHORTEST} to {_LONGEST} bytes.")
    return key


def check_log(key: Path | None = None) -> Verification:
    """Check the whole log; that it, or the key, cannot be read is a result, too."""
    try:
        log = DecisionLog(log_path(), site_key(key))
    except RadviewerError as error:
        return Verification(0, None, str(error))
    try:
        return log.verify()
    except RadviewerError as error:
        return Verification(0, None, str(error))
    finally:
        log.close()


def as_json(found: Verification) -> str:
    """The result as JSON: entries, row, problem (null when all is whole)."""
    return json.dumps(asdict(found) | {"problem": found.problem or None}, ensure_ascii=False)


def in_words(found: Verification) -> str:
    """The result in a sentence."""
    if found.problem and found.entries == 0:
        return found.problem
    if found.problem:
        return f"{found.entries:,} entries are as they were written, then: {found.problem}"
    return f"All {found.entries:,} entries of {log_path()} are as they were written."
