"""The chain of the decision log: what a new row follows, and whether all rows are as they were written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from radviewer.app.log_entries import BEGINNING, LogRow, entry_of, signature_of

BROKEN = "f" * 64
"""Stands for the row before where head record and rows did not agree: the log goes on and never looks whole again."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head record: number and hash of the last row, signed where there is a key."""

    sequence: int
    hash: str
    signature: str | None


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of checking the whole chain.

    Attributes
    ----------
    entries : int
        How many rows were checked.
    row : int or None
        Sequence number of the first row that is not as it was written.
    problem : str
        What is wrong, in a sentence; "" when all is whole.

    """

    entries: int
    row: int | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Following:
    """What the next row is written with: its number, the hash before it, and the key to sign it with."""

    sequence: int
    previous: str
    key: bytes | None


def head_of(row: LogRow, key: bytes | None) -> Head:
    """The head record when `row` is the last one."""
    return Head(row.sequence, row.hash, _head_signature(row.sequence, row.hash, key))


def following(last: LogRow | None, head: Head | None, key: bytes | None) -> Following:
    """What comes after the last row.

    An entry is kept whatever was done to the log, but must not heal it.  After a head record that does not name
    the last row it follows `BROKEN`; after one whose signature is wrong it is left unsigned.
    """
    sequence, found = (0, BEGINNING) if last is None else (last.sequence, last.hash)
    if head is None or (head.sequence, head.hash) != (sequence, found):
        return Following(sequence + 1, BROKEN, key)
    never_signed = head.signature is None and (last is None or last.signature is None)
    trusted = never_signed or head.signature == _head_signature(sequence, found, key)
    return Following(sequence + 1, found, key if trusted else None)


def check(rows: Iterable[LogRow], head: Head | None, key: bytes | None) -> Verification:
    """Check every row, the chain, the head and, with a key, the signatures; rows come in order."""
    previous, count = BEGINNING, 0
    for row in rows:
        problem = _problem(row, previous, count + 1) or _signature_problem(row, key)
        if not problem and entry_of(row) is None:
            problem = f"Row {row.sequence} holds nothing that can be understood."
        if problem:
            return Verification(count, row.sequence, problem)
        previous, count = row.hash, count + 1
    return Verification(count, None, _head_problem(head, previous, count, key))


def _problem(row: LogRow, previous: str, expected: int) -> str:
    if row.sequence != expected:
        return f"Row {expected} is missing: row {row.sequence} comes in its place."
    if row.previous == BROKEN:
        return (
            f"Before row {row.sequence} was written, rows had been removed or added, or the head record had been "
            "changed."
        )
    if row.previous != previous:
        return f"Row {row.sequence} does not follow the row before it: one of them was exchanged or moved."
    if row.hash != row.expected_hash():
        return f"Row {row.sequence} was changed after it was written."
    return ""


def _signature_problem(row: LogRow, key: bytes | None) -> str:
    if key is None or row.signature == signature_of(key, row.hash):
        return ""
    if row.signature is None:
        return (
            f"Row {row.sequence} is not signed: it was written without the site's key, or after the head record "
            "had been changed."
        )
    return f"The signature of row {row.sequence} is not this site's."


def _head_problem(head: Head | None, last: str, count: int, key: bytes | None) -> str:
    if head is None:
        return "The head record is missing: rows may have been removed at the end."
    if (head.sequence, head.hash) != (count, last):
        return f"The log ends at row {count}, its head record at row {head.sequence}: rows were removed at the end."
    if count and key is not None and head.signature != _head_signature(count, last, key):
        return "The signature of the head record is not this site's."
    return ""


def _head_signature(sequence: int, found: str, key: bytes | None) -> str | None:
    return signature_of(key, f"head {sequence} {found}")
