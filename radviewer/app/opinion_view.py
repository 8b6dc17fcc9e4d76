"""The second opinion as it is painted over one image: from rows and switches to layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from radviewer.app.finding_rows import Kind, Row, RowState
from radviewer.render.opinion_layers import HeatLayer, OpinionLayers, Outline, OutlineStyle, SpotMark

if TYPE_CHECKING:
    from radviewer.app.overlay_state import Overlays
    from radviewer.app.reading_room import ReadingRoom
    from radviewer.app.second_opinion import SecondOpinion
    from radviewer.app.viewport import Viewport
    from radviewer.domain.decision import FindingKey

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
    shown, overlays = viewport.shown, room.overlays.now
    if shown is None or viewport.image is None:
        return None
    edited = room.mask_edit.of(shown, viewport.index)  # shown even while overlays are off: it is the reader's own
    rows = room.findings.rows(shown) if overlays.on else ()
    selected = room.findings.selected
    key = None if selected is None else selected.key
    outlines = [*_outlines(rows, overlays, viewport, key, None if edited is None else room.mask_edit.row)]
    if edited is not None and room.mask_edit.row is not None:
        outlines.append(Outline(edited, room.mask_edit.row.label, OutlineStyle.EDITED, selected=True))
    row = next((row for row in rows if row.key == key), None)
    heat = _heat(row, room.opinion, overlays, viewport) if overlays.heatmap and row is not None else None
    spots = tuple(_spots(rows, viewport.index, key)) if overlays.findings else ()
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


def _outlines(
    rows: tuple[Row, ...], overlays: Overlays, viewport: Viewport, selected: FindingKey | None, edited: Row | None
) -> Iterator[Outline]:
    image, index = viewport.image, viewport.index
    for row in rows:
        wanted = overlays.anatomy if row.kind is Kind.ANATOMY else overlays.findings
        hidden = row.state is RowState.REJECTED and row.key != selected
        if not wanted or hidden or row.mask is None or (edited is not None and row.key == edited.key):
            continue
        if image is not None and row.mask.shape[1:] == image.stored.shape[:2] and index in row.slices:
            yield Outline(row.slice_mask(index), row.label, style_of(row), selected=row.key == selected)


def _spots(rows: tuple[Row, ...], index: int, selected: FindingKey | None) -> Iterator[SpotMark]:
    for row in rows:
        spot = None if row.decision is None or row.mask is not None else row.decision.spot
        if spot is not None and spot[0] == index:
            yield SpotMark(spot[1], spot[2], row.label, selected=row.key == selected)


def _heat(row: Row, opinion: SecondOpinion, overlays: Overlays, viewport: Viewport) -> HeatLayer | None:
    heat = None if row.finding is None else row.finding.heatmap
    if heat is None or not 0 <= viewport.index < len(heat):
        return None
    return HeatLayer(
        row.slice_heat(viewport.index),
        row.label,
        threshold=overlays.heat_threshold,
        opacity=overlays.opacity,
        native=native_cells(opinion, row.key.model),
    )
