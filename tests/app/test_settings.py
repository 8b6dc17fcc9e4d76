"""Settings: kept, checked, and not lost by a full disk or a damaged file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radviewer.app import settings as module
from radviewer.app.settings import Settings, SettingsFile, parse, write_atomically
from radviewer.errors import NotSaved
from tests.app.hand_made import heard


def full_disk(*_args: object) -> None:
    raise NotSaved("settings.json could not be written: No space left on device.")


def test_settings_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "new" / "settings.json"
    SettingsFile(path).change(reader="Dr. Müller", shortcuts={"invert": ["X"]}, cine_rate=24.5)
    now = SettingsFile(path).now
    assert (now.reader, now.shortcuts, now.cine_rate) == ("Dr. Müller", {"invert": ["X"]}, 24.5)


def test_a_path_that_is_no_unicode_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    SettingsFile(path).change(last_folder="/data/\udcff")
    assert SettingsFile(path).now.last_folder == "/data/\udcff"


def test_an_unchanged_setting_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    settings = SettingsFile(path)
    changed = heard(settings.changed)
    settings.change(cine_rate=settings.now.cine_rate)
    assert not path.exists()
    assert changed == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cine_rate", 0), ("cine_rate", True), ("density", "much"), ("shortcuts", {"a": "b"}), ("reader", "x" * 101),
        ("layout", "3x3"), ("hang_automatically", 1), ("hanging", ["CT"]), ("hanging", {"CT": 1}),
        ("hanging", {"CT": "x" * 201}), ("hanging", {str(i): "" for i in range(1001)}),
    ],
)  # fmt: skip
def test_an_invalid_value_is_refused(tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        SettingsFile(tmp_path / "s.json").change(**{name: value})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"reader": 1e999, "density": NaN, "cine_rate": Infinity}',
    ],
)
def test_a_damaged_file_is_named_and_the_defaults_hold(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(data)
    settings = SettingsFile(path)
    assert settings.now == Settings()
    assert settings.problems


def test_one_bad_value_leaves_the_others() -> None:
    settings, problems = parse(json.dumps({"density": "none", "cine_rate": "fast", "unknown": 1}).encode())
    assert settings.density == "none"
    assert settings.cine_rate == Settings().cine_rate
    assert problems == ("The setting 'cine_rate' has an invalid value; its default is used.",)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from([*Settings.__dataclass_fields__, "unknown"])


@given(st.dictionaries(names, json_values))
def test_whatever_the_file_holds_settings_are_valid(content: dict[str, Any]) -> None:
    settings, _ = parse(json.dumps(content).encode())
    assert parse(json.dumps(settings.__dict__).encode()) == (settings, ())


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.mkdir()
    settings = SettingsFile(path)
    assert settings.now == Settings()
    assert "could not be read" in settings.problems[0]


@pytest.mark.usefixtures("qapp")
def test_a_full_disk_is_told_once_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "settings.json"
    settings = SettingsFile(path)
    told, saved = heard(settings.not_saved), heard(settings.saved_again)
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_atomically", full_disk)
        settings.change(cine_rate=20)
        settings.change(cine_rate=30)
        settings.flush()
        assert (len(told), saved, settings.owed, settings.now.cine_rate) == (1, [], True, 30)
    settings.flush()
    assert (saved, settings.owed) == ([()], False)
    assert SettingsFile(path).now.cine_rate == 30


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    settings = SettingsFile(blocker / "settings.json")
    told = heard(settings.not_saved)
    settings.change(cine_rate=20)
    assert "could not be written" in str(told[0][0])


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "settings.json"
    write_atomically(target, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(NotSaved, match="No space left"):
        write_atomically(target, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["settings.json"]
    assert target.read_bytes() == b"old"


@pytest.mark.parametrize(
    "damaged", [b'{"reader": "Dr Who", "shortcuts": {"invert": ["X"]},', b'{"reader": 7, "layout": "2x2"}']
)
def test_a_damaged_file_is_kept_beside_the_new_one(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(damaged)
    settings = SettingsFile(path)
    kept = tmp_path / "settings-damaged.json"
    assert any(str(kept) in sentence for sentence in settings.problems)
    settings.change(linked=False)
    assert kept.read_bytes() == damaged
    assert not SettingsFile(path).problems
    assert kept.read_bytes() == damaged


def test_a_damaged_file_that_cannot_be_kept_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(b"{")
    (tmp_path / "settings-damaged.json").mkdir()
    settings = SettingsFile(path)
    assert len(settings.problems) == 1
    settings.change(linked=False)
    assert not SettingsFile(path).now.linked
