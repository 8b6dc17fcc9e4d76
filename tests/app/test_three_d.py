"""The state of a 3D view: what is shown, what is refused, surfaces made in the background."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from radviewer.app import three_d
from radviewer.app.finding_rows import Kind, Row, RowState, saved_row
from radviewer.app.overlay_state import Overlays
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.shown import Shown
from radviewer.app.three_d import LOADING, PREPARING, Listed, ThreeD
from radviewer.app.three_d_surfaces import items_of
from radviewer.domain.geometry import Geometry
from radviewer.domain.measurement import Quantity
from radviewer.domain.opinion import Mask
from radviewer.errors import BadResource
from radviewer.volumes.surfaces import Surface, surface_of
from tests import phantoms
from tests.app.hand_made import heard
from tests.app.rooms import WAIT, opened
from tests.qt_objects import destroy

SHAPE = (6, 8, 10)


@pytest.fixture
def state(room: ReadingRoom) -> Iterator[ThreeD]:
    made = ThreeD(room.display_queue, room.cache, room.findings, room.overlays)
    yield made
    made.close()
    destroy(made)


def shown_of(room: ReadingRoom, series: str) -> Shown:
    return next(s for s in room.all_shown() if s.series.description == f"Series {series}")


@pytest.fixture
def ct(qtbot: QtBot, room: ReadingRoom, tmp_path: Path) -> Shown:
    phantoms.volume(tmp_path / "a", 6, series="a", RescaleIntercept=-200)
    phantoms.volume(tmp_path / "b", 6, series="b", modality="MR")
    phantoms.volume(tmp_path / "c", 2, series="c")
    phantoms.film(tmp_path / "film.dcm", series="film")
    opened(qtbot, room, tmp_path)
    return shown_of(room, "a")


def ready(qtbot: QtBot, state: ThreeD) -> None:
    qtbot.waitUntil(lambda: state.volume is not None, timeout=WAIT)


def box(*at: int) -> Mask:
    made = np.zeros(SHAPE, np.bool_)
    made[1:4, at[0] : at[0] + 3, at[1] : at[1] + 4] = True
    return made


def row(shown: Shown, label: str = "glioma", mask: Mask | None = None, **values: Any) -> Row:
    made = saved_row(shown, label, label, box(2, 3) if mask is None else mask, "somebody")
    return replace(made, **values)


def add(room: ReadingRoom, shown: Shown, *rows: Row) -> None:
    room.findings.add_saved({shown.stack.key: rows})


def made(qtbot: QtBot, state: ThreeD) -> tuple[Listed, ...]:
    qtbot.waitUntil(lambda: all(one.surface for one in state.listed if one.look.visible), timeout=WAIT)
    return state.listed


# Volume


def test_a_series_is_loaded_and_prepared(qtbot: QtBot, state: ThreeD, ct: Shown) -> None:
    changed = heard(state.stack_changed)
    state.show(ct)
    assert state.message in (LOADING, PREPARING)
    ready(qtbot, state)
    assert state.message == ""
    assert state.preset is not None
    assert state.preset.name == "CT bone"
    assert len(changed) == 1


def test_a_chosen_preset_stays_for_its_modality(qtbot: QtBot, room: ReadingRoom, state: ThreeD, ct: Shown) -> None:
    state.show(ct)
    ready(qtbot, state)
    state.choose("CT lung")
    state.choose("no such preset")
    state.show(shown_of(room, "b"))
    assert state.volume is None
    ready(qtbot, state)
    assert state.preset is not None
    assert state.preset.name == "MR surface"
    state.show(ct)
    ready(qtbot, state)
    assert state.preset.name == "CT lung"


def test_what_is_no_volume_is_refused_at_once(room: ReadingRoom, state: ThreeD, ct: Shown) -> None:
    for series, said in (("c", "2 slices"), ("film", "no volume")):
        state.show(shown_of(room, series))
        assert said in state.message
        assert state.volume is None
        assert state.listed == ()
    state.show(None)
    assert state.message == ""
    assert ct is not None


def test_a_late_volume_is_dropped(qtbot: QtBot, room: ReadingRoom, state: ThreeD, ct: Shown) -> None:
    state.show(ct)
    qtbot.waitUntil(lambda: room.cache.volume(ct.stack) is not None, timeout=WAIT)
    state.show(shown_of(room, "c"))
    qtbot.waitUntil(lambda: not room.display_queue.busy and not room.queue.busy, timeout=WAIT)
    assert state.volume is None
    assert "2 slices" in state.message


def test_a_series_that_cannot_be_loaded_says_why(room: ReadingRoom, state: ThreeD, ct: Shown) -> None:
    state.show(ct)
    if state.message == LOADING:
        room.cache.failed.emit(ct.stack.key, "The disk is gone.")
        assert state.message == "The disk is gone."


def test_a_broken_table_of_presets_is_said(
    qtbot: QtBot, state: ThreeD, ct: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise BadResource("Line 3 is wrong.")

    monkeypatch.setattr(three_d, "read_volume_presets", broken)
    said = heard(state.notice)
    state.show(ct)
    ready(qtbot, state)
    assert state.preset is None
    assert said == [("Line 3 is wrong.",)]


def test_the_clipping_box_is_in_the_patient(qtbot: QtBot, state: ThreeD, ct: Shown) -> None:
    state.show(ct)
    ready(qtbot, state)
    assert state.clip is None
    state.change(clipped=True, low=(0.5, 0.0, 0.0))
    assert state.clip is not None
    assert state.box is not None
    low, high = state.clip
    assert low[0] == pytest.approx((state.box[0][0] + state.box[1][0]) / 2)
    assert (high == state.box[1]).all()
    state.change(low=(1.0, 0.0, 0.0))  # nothing would be left
    assert state.look.low[0] == 0.5
    state.show(None)
    assert not state.look.clipped


# Surfaces


def test_surfaces_are_made_once_and_named_with_their_volume(
    qtbot: QtBot, room: ReadingRoom, state: ThreeD, ct: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def counted(mask: Mask, geometry: Geometry) -> Surface:
        asked.append(mask)
        return surface_of(mask, geometry)

    monkeypatch.setattr(three_d, "surface_of", counted)
    state.show(ct)
    add(room, ct, row(ct), row(ct, "heart", box(4, 1), kind=Kind.ANATOMY))
    one, other = made(qtbot, state)[:2]
    assert one.surface is not None
    assert one.surface.voxel_ml == pytest.approx(36 * 2 * 0.8 * 0.7 / 1000)
    assert one.label == "Glioma: volume 0.0403 ml"
    assert other.look.opacity < one.look.opacity
    state.change_surface(one.item.key, visible=False)
    state.change_surface(one.item.key, visible=True, opacity=0.9)
    room.overlays.toggle()
    assert not state.listed
    room.overlays.toggle()
    assert state.listed[0].surface is one.surface
    assert state.listed[0].look.opacity == 0.9
    assert len(asked) == 2


def test_surfaces_of_another_series_are_forgotten(qtbot: QtBot, room: ReadingRoom, state: ThreeD, ct: Shown) -> None:
    add(room, ct, row(ct))
    state.show(ct)
    assert len(made(qtbot, state)) == 1
    state.show(shown_of(room, "b"))
    assert state.listed == ()


def test_a_late_surface_is_dropped(qtbot: QtBot, room: ReadingRoom, state: ThreeD, ct: Shown) -> None:
    add(room, ct, row(ct))
    state.show(ct)
    state.show(None)
    changed = heard(state.changed)
    qtbot.waitUntil(lambda: not room.display_queue.busy, timeout=WAIT)
    assert not changed


def test_a_mask_of_another_grid_is_not_shown(room: ReadingRoom, state: ThreeD, ct: Shown) -> None:
    add(room, ct, row(ct, mask=np.ones((3, 8, 10), np.bool_)))
    state.show(ct)
    assert state.listed == ()


def test_a_surface_that_fails_says_why(
    qtbot: QtBot, room: ReadingRoom, state: ThreeD, ct: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise BadResource("It is too thin.")

    monkeypatch.setattr(three_d, "surface_of", fails)
    add(room, ct, row(ct))
    state.show(ct)
    qtbot.waitUntil(lambda: bool(state.listed[0].problem), timeout=WAIT)
    assert state.listed[0].problem == "It is too thin."


# Items


def test_states_are_told_apart(ct: Shown) -> None:
    measured = (Quantity("volume", 12.0, "ml"), Quantity("longest diameter", 31.0, "mm"))
    pending = row(ct, kind=Kind.FINDING, measurements=measured)
    edited = replace(pending, state=RowState.EDITED, mask=box(1, 1))
    rejected = replace(pending, state=RowState.REJECTED)
    (one,) = items_of((pending,), Overlays())
    assert (one.state, one.visible, one.measured) == ("proposed by AI", True, "volume 12 ml, longest diameter 31 mm")
    own, proposal = items_of((edited,), Overlays())
    assert (own.state, own.visible, own.measured) == ("edited", True, "")  # the sizes are of the model's outline
    assert (proposal.state, proposal.visible, proposal.measured) == ("AI's proposal", False, one.measured)
    assert own.mask is edited.mask
    assert proposal.mask is pending.mask
    (no,) = items_of((rejected,), Overlays())
    assert not no.visible


def test_overlays_that_are_off_show_nothing(ct: Shown) -> None:
    rows = (row(ct, kind=Kind.FINDING), row(ct, "heart", kind=Kind.ANATOMY))
    assert items_of(rows, Overlays(on=False)) == ()
    assert [item.label for item in items_of(rows, Overlays(anatomy=False))] == ["glioma"]
    assert [item.label for item in items_of(rows, Overlays(findings=False))] == ["heart"]
