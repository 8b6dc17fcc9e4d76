"""New values for old ones."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import CTImageStorage

from radviewer.export.deidentify_values import Patient, Uids, cleaned, shifted


def test_a_uid_always_becomes_the_same_and_no_other_the_same() -> None:
    uids = Uids()
    new = [uids.new(f"1.2.{number}") for number in range(100)]
    assert len(set(new)) == 100
    assert new == [uids.new(f" 1.2.{number}\0") for number in range(100)]
    assert all(re.fullmatch(r"2\.25\.[1-9]\d{0,38}", uid) for uid in new)


def test_another_export_gets_other_uids() -> None:
    assert Uids().new("1.2.3") != Uids().new("1.2.3")


def test_uids_of_the_standard_stay() -> None:
    assert Uids().new(CTImageStorage) == CTImageStorage
    assert Uids().new("1.2.840.10008.4711") != "1.2.840.10008.4711"
    assert Uids().new("") == ""


@pytest.mark.parametrize(
    ("old", "vr", "new"),
    [
        ("20240301", "DA", "20240229"),
        ("2024.03.01", "DA", "20240229"),
        ("20240301\\20240302 ", "DA", "20240229\\20240301"),
        ("", "DA", ""),
        ("20240230", "DA", None),
        ("00010101", "DA", None),
        ("MUSTERMA", "DA", None),
        ("20240301101500.25+0100", "DT", "20240229101500.25+0100"),
        ("202403", "DT", None),
        ("2024", "DT", None),
        ("101500.5", "TM", "101500.5"),
        ("Dr Who", "TM", None),
        ("+0100", "SH", "+0100"),
        ("Europe", "SH", None),
    ],
)
def test_dates_move_by_whole_days(old: str, vr: str, new: str | None) -> None:
    assert shifted(old.encode(), vr, -1) == new


@given(st.binary(max_size=40), st.sampled_from(["DA", "DT", "TM", "SH"]))
def test_no_date_is_too_odd(old: bytes, vr: str) -> None:
    new = shifted(old, vr, -400)
    assert new is None or re.fullmatch(r"[\d:.+\\-]*", new)


def test_a_patients_days_are_at_least_a_year_and_his_own() -> None:
    days = {Patient(1).days for _ in range(50)}
    assert len(days) > 1
    assert all(-3650 <= day < -364 for day in days)


@given(st.text(max_size=60))
def test_only_safe_words_stay_in_descriptions(text: str) -> None:
    kept = cleaned(text.encode(), Patient(1))
    assert cleaned(kept.encode(), Patient(1)) == kept
    assert re.fullmatch(r"[A-Za-z0-9. ]*", kept)


@pytest.mark.parametrize("value", ["MÜLLER", "see müller", "Hans-MÜLLER", "4711-AB", "ABD MÜLLER\\x"])
def test_a_name_is_known_again(value: str) -> None:
    patient = Patient(1)
    patient.remember(["Müller^Anne Marie".encode(), "MÜLLER".encode(), b"4711-AB", b"Li"])
    assert patient.betrayed_by(value.encode())


@pytest.mark.parametrize("value", ["Annex", "Lid", "4711-ABC", "", "Marietta"])
def test_a_part_of_another_word_is_no_name(value: str) -> None:
    patient = Patient(1)
    patient.remember([b"Muller^Anne Marie", b"4711-AB", b"Li"])
    assert not patient.betrayed_by(value.encode())
