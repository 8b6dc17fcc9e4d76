"""Decisions made by hand."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from radviewer.app.decision_log import DecisionLog
from radviewer.domain.decision import (
    Circumstances,
    Decision,
    FindingKey,
    Impression,
    Override,
    Policy,
    Presence,
    RejectReason,
    Reveal,
    Run,
    Verdict,
)

STUDY = "1.2.study"
WHEN = "2026-03-04T05:06:07.008+00:00"
IDS = (STUDY, "1.2.series", "ab" * 32)


def key(label: str = "tuberculosis") -> FindingKey:
    return FindingKey(*IDS, "chest-findings", "1.0.0", label)


def said(reader: str = "Dr. Who") -> Circumstances:
    return Circumstances(reader, WHEN, Policy.READ_FIRST, WHEN, 3.5, 2, 4, ("1.2.3",), (("a.safetensors", "cd" * 32),))


def accepted(label: str = "tuberculosis") -> Decision:
    return Decision(key(label), Verdict.ACCEPTED, said(), probability=0.8, threshold=0.4)


def every_kind() -> tuple[Decision | Impression | Reveal | Override | Run, ...]:
    return (
        accepted(),
        Decision(key(), Verdict.REJECTED, said(), RejectReason.OTHER, "scar \N{EM DASH} \u4f60\u597d"),
        Decision(key("heart"), Verdict.EDITED, said(), mask="ef" * 32, dice=0.91),
        Decision(key("nodule"), Verdict.MISSED, said(), spot=(3, 10.5, -0.25)),
        Decision(key(), Verdict.WITHDRAWN, said()),
        Impression(*IDS, (("tuberculosis", Presence.UNSURE),), "words", said()),
        Reveal(*IDS, "Dr. Who", WHEN, Policy.CONCURRENT),
        Override(*IDS, "chest-findings", "1.0.0", "A lateral view.", "Dr. Who", WHEN),
        Run(*IDS, "chest-findings", "1.0.0", "ran", "Dr. Who", WHEN),
    )


def write_every_kind(path: Path) -> None:
    """Write a log, signed with b"secret"."""
    log = DecisionLog(path, b"secret")
    for entry in every_kind():
        log.append(entry)
    log.close()


def change(path: Path, *statements: str) -> None:
    """Change the log's file as no program of ours does."""
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
