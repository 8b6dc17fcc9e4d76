"""The decision log under several programs at once, and under programs that are killed."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
from pathlib import Path

from radviewer.app.decision_log import DecisionLog
from radviewer.app.log_chain import Verification
from tests.app.decided import STUDY

KILLS = int(os.environ.get("RADVIEWER_KILLS", "20"))


_TWO = """
import sys
from pathlib import Path
from radviewer.app.decision_log import DecisionLog
from radviewer.errors import NotSaved
from tests.app.decided import accepted
sys.stdin.readline()
log, number = DecisionLog(Path(sys.argv[1])), 0
while number < 25:
    try:
        log.append(accepted(f"{sys.argv[2]} {number}"))
        number += 1
    except NotSaved:
        print("once more", flush=True)
log.close()
"""


def test_two_programs_that_begin_at_once_write_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "log" / "decisions.sqlite"
    programs = [
        subprocess.Popen([sys.executable, "-c", _TWO, str(path), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for name in "ab"
    ]
    for program in programs:
        assert program.stdin is not None
        program.stdin.write(b"go\n")
        program.stdin.flush()
    for program in programs:
        program.communicate()
    assert [program.returncode for program in programs] == [0, 0]
    log = DecisionLog(path)
    labels = [decision.finding.label for decision in log.decisions(STUDY)]
    assert log.verify() == Verification(50)
    log.close()
    for name in "ab":
        assert [label for label in labels if label.startswith(name)] == [f"{name} {n}" for n in range(25)]


_WRITER = """
import os, sys
from pathlib import Path
from radviewer.app.decision_log import DecisionLog
from tests.app.decided import accepted
import sqlalchemy.dialects.sqlite, sqlalchemy.pool  # once, not in each child

def write(path, number):
    print(os.getpid(), flush=True)
    log = DecisionLog(Path(path))
    while True:
        log.append(accepted(str(number)))
        print(number, flush=True)
        number += 1

for line in sys.stdin:
    path, _, first = line.rstrip().rpartition(" ")
    child = os.fork()
    if child == 0:
        write(path, int(first))
    os.waitpid(child, 0)
    print("killed", flush=True)
"""


def _killed(writer: subprocess.Popen[str], path: Path, first: int, rng: random.Random) -> list[int]:
    """Let a program write, kill it at any moment, and return what it told of being written."""
    assert writer.stdin is not None
    assert writer.stdout is not None
    print(path, first, file=writer.stdin, flush=True)
    process = int(writer.stdout.readline())
    told = [int(writer.stdout.readline()) for _ in range(rng.randrange(0, 5))]
    select.select([], [], [], rng.uniform(0, 0.03))
    os.kill(process, signal.SIGKILL)
    while (line := writer.stdout.readline()) != "killed\n":
        told.append(int(line))
    return told


def test_a_program_that_is_killed_loses_at_most_the_entry_in_flight(tmp_path: Path) -> None:
    rng, written = random.Random(), 0
    command = [sys.executable, "-c", _WRITER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        for round_ in range(KILLS):
            path = tmp_path / f"log{round_ // 4}.sqlite"  # every fourth program is killed at a log it makes itself
            written = written if path.exists() else 0
            told = _killed(writer, path, written, rng)
            assert told == list(range(written, written + len(told)))
            log = DecisionLog(path)
            labels = [int(decision.finding.label) for decision in log.decisions(STUDY)]
            assert log.verify().problem == ""
            log.close()
            assert labels == list(range(len(labels)))
            assert written + len(told) <= len(labels) <= written + len(told) + 1
            written = len(labels)
