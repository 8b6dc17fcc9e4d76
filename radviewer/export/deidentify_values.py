"""New values for old ones: UIDs, dates, descriptions, dummies; and how to tell a name when it turns up elsewhere."""

from __future__ import annotations

import hmac
import re
import secrets
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from pydicom.config import IGNORE
from pydicom.uid import UID

from radviewer.export.deidentify_profile import tables

_DUMMIES: dict[str, bytes] = {
    "AS": b"000Y",
    "DA": b"19000101",
    "DT": b"19000101000000",
    "TM": b"000000",
    "DS": b"0",
    "IS": b"0",
    "PN": b"REMOVED^",  # a name of one word without a delimiter is of a retired form
    "UR": b"urn:removed",
    **dict.fromkeys(("AT", "FL", "SL", "UL"), bytes(4)),
    **dict.fromkeys(("SS", "US"), bytes(2)),
    **dict.fromkeys(("FD", "SV", "UV", "OB", "OD", "OF", "OL", "OV", "OW", "UN"), bytes(8)),
}
_OLDEST, _SPAN = 3650, 3285  # days: a shift is at least a year, so that the year tells nothing
_WORD = re.compile(r"[A-Za-z0-9.]+")
_SIZE = re.compile(r"\d{1,2}(\.\d{1,2})?([a-z]+)")
_BETWEEN = re.compile(rb"[\^=\\ ,;/\0]+")
_SHORTEST = 3  # characters of a name: shorter ones are parts of ordinary words
_MOST = 2000  # names kept of one patient; more are not names


def dummy(vr: str) -> bytes:
    """Value of no meaning, valid for the VR (PS3.15 E.1: action D)."""
    return _DUMMIES.get(vr, b"REMOVED")


class Uids:
    """One map from old to new UIDs: the same for all files of an export, another one for every export.

    The secret is kept nowhere, so that nobody can tell which UID a new one stands for (PS3.15 E.3.9).
    """

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secrets.token_bytes(32) if secret is None else secret
        self._known: dict[str, str] = {}

    def new(self, old: str) -> str:
        """UID of the form 2.25.number (PS3.5 B.2); UIDs that the standard itself gives out stay."""
        old = old.strip(" \0")
        if not old or UID(old, validation_mode=IGNORE).type:
            return old
        found = self._known.get(old)
        if found is None:
            mark = hmac.digest(self._secret, old.encode("utf-8", "surrogateescape"), "sha256")
            found = self._known[old] = f"2.25.{uuid.UUID(bytes=mark[:16], version=4).int}"
        return found


class Patient:
    """A patient of the export: pseudonym, days that dates are shifted by, and what would betray the identity."""

    def __init__(self, number: int) -> None:
        self.pseudonym = f"ANON-{number}"
        self.days = secrets.randbelow(_SPAN) - _OLDEST
        self._names: set[bytes] = set()
        self._pattern: re.Pattern[bytes] | None = None

    def remember(self, persons: Iterable[bytes], others: Iterable[bytes] = ()) -> None:
        """Take note of names, whose parts count too, and of other identifiers that must not turn up anywhere."""
        before = len(self._names)
        if before < _MOST:
            parts = [part for name in persons for part in (name, *_BETWEEN.split(name))] + list(others)
            plain = (part.strip(b" \0").lower() for part in parts)
            self._names.update(part for part in plain if len(part) >= _SHORTEST)
        if len(self._names) != before:
            self._pattern = None

    def betrayed_by(self, value: bytes) -> bool:
        """Whether a value names the patient or somebody around."""
        if self._pattern is None:
            names = b"|".join(map(re.escape, sorted(self._names, key=len, reverse=True))) or b"(?!)"
            self._pattern = re.compile(rb"(?<![0-9a-z\x80-\xff])(?:" + names + rb")(?![0-9a-z\x80-\xff])")
        return self._pattern.search(value.lower()) is not None


def shifted(value: bytes, vr: str, days: int) -> str | None:
    """Dates of an element moved by whole days, times as they are; None where one is no date (PS3.5 6.2)."""
    move = {"DA": _shifted_date, "DT": _shifted_date_time}.get(vr)
    parts = [part.strip(" \0") for part in value.decode("ascii", "replace").split("\\")]
    if move is None:
        return "\\".join(parts) if all(re.fullmatch(r"[\d:.+-]*", part) for part in parts) else None
    moved = [move(part, days) if part else "" for part in parts]
    return "\\".join(part or "" for part in moved) if None not in moved else None


def _shifted_date(date: str, days: int) -> str | None:
    digits = date.replace(".", "") if re.fullmatch(r"\d{4}\.\d\d\.\d\d", date) else date  # as before DICOM 3
    if not re.fullmatch(r"\d{8}", digits, re.ASCII):
        return None
    try:
        return f"{datetime.strptime(digits, '%Y%m%d') + timedelta(days):%Y%m%d}".zfill(8)
    except (ValueError, OverflowError):
        return None


def _shifted_date_time(moment: str, days: int) -> str | None:
    if not re.fullmatch(r"\d{8}(\d{2}){0,3}(\.\d{1,6})?([+-]\d{4})?", moment, re.ASCII):
        return None  # a year or a month alone cannot be moved by days
    date = _shifted_date(moment[:8], days)
    return None if date is None else date + moment[8:]


def cleaned(value: bytes, patient: Patient) -> str:
    """Words of a description that are known to be safe, in their order; the rest is dropped (PS3.15 E.3.5)."""
    known, kept = tables(), []
    for word in _WORD.findall(value.decode("ascii", "replace")):
        plain = word.lower().strip(".")
        size = _SIZE.fullmatch(plain)
        safe = plain in known.words or (size is not None and size[2] in known.units)
        if safe and not patient.betrayed_by(plain.encode()):
            kept.append(word.strip("."))
    return " ".join(kept)[:64].strip()
