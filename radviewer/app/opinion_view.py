"""The second opinion as it is painted over one image: from rows and switches to layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from radviewer.app.finding_rows import Kind, Row, RowState
from radviewer.render.opinion_layers import HeatLayer, OpinionLayers, Outline, OutlineStyle, SpotMark

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from radviewer.app.overlay_state import Overlays
    from radviewer.app.reading_room import ReadingRoom
    from radviewer.app.reformats import Cutter
    from radviewer.app.second_opinion import SecondOpinion
    from radviewer.app.viewport import Viewport
    from radviewer.domain.decision import FindingKey, Spot
    from radviewer.domain.measurement import Point
    from radviewer.domain.reformat import Reformat

_STYLES = {
    RowState.PENDING: OutlineStyle.PROPOSED,
    RowState.NOT_FLAGGED: OutlineStyle.PROPOSED,
    RowState.ACCEPTED: OutlineStyle.ACCEPTED,
    RowState.EDITED: OutlineStyle.EDITED,
    RowState.REJECTED: OutlineStyle.REJECTED,
    RowState.MISSED: OutlineStyle.MISSED,
    RowState.REFUSED: OutlineStyle.PROPOSED,
}


def layers_of(room: ReadingRoom, viewport: Viewport) -> OpinionLayers | None:
    """Layers over the image a viewport shows; None when there is nothing to paint."""
    shown, overlays = viewport.subject, room.overlays.now
    if shown is None or viewport.image is None:
        return None
    slices = _Slices(viewport, room.cache.cutter)
    # Shown even while overlays are off: it is the reader's own.
    edited = None if slices.cut else room.mask_edit.of(shown, viewport.index)
    rows = room.findings.rows(shown) if overlays.on else ()
    selected = room.findings.selected
    key = None if selected is None else selected.key
    outlines = [*_outlines(rows, overlays, slices, key, None if edited is None else room.mask_edit.row)]
    if edited is not None and room.mask_edit.row is not None:
        outlines.append(Outline(edited, room.mask_edit.row.label, OutlineStyle.EDITED, selected=True))
    row = next((row for row in rows if row.key == key), None)
    heat = _heat(row, room.opinion, overlays, slices) if overlays.heatmap and row is not None else None
    spots = tuple(_spots(rows, slices, key)) if overlays.findings else ()
    if not outlines and not spots and heat is None:
        return None
    return OpinionLayers(tuple(outlines), spots, heat, fill=overlays.fill, opacity=overlays.opacity)


def style_of(row: Row) -> OutlineStyle:
    """How the outline of a row is drawn."""
    plain = row.kind in (Kind.ANATOMY, Kind.SAVED) and row.state is RowState.PENDING
    return OutlineStyle.ANATOMY if plain else _STYLES[row.state]


def native_cells(opinion: SecondOpinion, model: str) -> tuple[int, int]:
    """Cells a model's network told apart, rows and columns; (0, 0) where unknown."""
    card = opinion.card(model)
    cells = 0 if card is None else card.input_size // card.heat_stride
    return (cells, cells)


@dataclass(frozen=True, slots=True)
class _Slices:
    """What a picture shows of masks and heatmaps on the stack's own grid: of a slab, what is anywhere in it."""

    viewport: Viewport
    cutter: Cutter

    @property
    def cut(self) -> Reformat | None:
        return self.viewport.cut

    def mask(self, row: Row) -> NDArray[np.bool_] | None:
        """A row's outline; None where it does not reach the picture."""
        image, index = self.viewport.image, self.viewport.index
        if row.mask is None or image is None:
            return None
        if self.cut is not None:
            plane = self.cutter.mask(row.mask, self.cut, index)
            return plane if plane.any() else None
        fits = row.mask.shape[1:] == image.stored.shape[:2] and index in row.slices
        return row.slice_mask(index) if fits else None

    def heat(self, row: Row) -> NDArray[np.float32] | None:
        """A row's heatmap."""
        heat, index = None if row.finding is None else row.finding.heatmap, self.viewport.index
        if heat is None:
            return None
        if self.cut is not None:
            return self.cutter.heat(heat, self.cut, index)
        return row.slice_heat(index) if 0 <= index < len(heat) else None

    def spot(self, spot: Spot) -> Point | None:
        """Where a place ``(slice, row, column)`` is in the picture; None where it is on another one."""
        index, cut = self.viewport.index, self.cut
        if cut is None:
            return spot[1:] if spot[0] == index else None
        if cut.of.geometry is None:
            return None
        point = cut.of.geometry.to_patient((float(spot[0]), spot[1], spot[2]))
        row, column, off = cut.planes.grid(index).plane.to_pixel(point)
        within = abs(off) <= cut.cut.thickness / 2 or cut.planes.nearest(point) == index
        return (row, column) if within else None


def _outlines(
    rows: tuple[Row, ...], overlays: Overlays, slices: _Slices, selected: FindingKey | None, edited: Row | None
) -> Iterator[Outline]:
    for row in rows:
        wanted = overlays.anatomy if row.kind is Kind.ANATOMY else overlays.findings
        hidden = row.state is RowState.REJECTED and row.key != selected
        if not wanted or hidden or (edited is not None and row.key == edited.key):
            continue
        mask = slices.mask(row)
        if mask is not None:
            yield Outline(mask, row.label, style_of(row), selected=row.key == selected)


def _spots(rows: tuple[Row, ...], slices: _Slices, selected: FindingKey | None) -> Iterator[SpotMark]:
    for row in rows:
        spot = None if row.decision is None or row.mask is not None else row.decision.spot
        place = None if spot is None else slices.spot(spot)
        if place is not None:
            yield SpotMark(*place, row.label, selected=row.key == selected)


def _heat(row: Row, opinion: SecondOpinion, overlays: Overlays, slices: _Slices) -> HeatLayer | None:
    heat = slices.heat(row)
    if heat is None:
        return None
    return HeatLayer(
        heat,
        row.label,
        threshold=overlays.heat_threshold,
        opacity=overlays.opacity,
        native=native_cells(opinion, row.key.model),
    )
