"""What running models have shown of a slice so far, as it is painted on the screen; pictures never hold it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from radviewer.app.opinion_view import native_cells
from radviewer.render.opinion_layers import HeatLayer, OpinionLayers, Outline, OutlineStyle

if TYPE_CHECKING:
    from radviewer.app.glimpses import SliceGlimpse
    from radviewer.app.reading_room import ReadingRoom
    from radviewer.app.viewport import Viewport


def provisional_layers(room: ReadingRoom, viewport: Viewport) -> OpinionLayers | None:
    """Layers of slices that a running model has read; None when there is nothing to paint."""
    overlays = room.overlays.now
    glimpses = _glimpses(room, viewport) if overlays.on else ()
    outlines = tuple(
        Outline(glimpse.mask, glimpse.label, OutlineStyle.PROVISIONAL)
        for glimpse in glimpses
        if overlays.findings and glimpse.mask is not None
    )
    heat = _heat(room, glimpses) if overlays.heatmap else None
    if not outlines and heat is None:
        return None
    return OpinionLayers(outlines, heat=heat, fill=overlays.fill, opacity=overlays.opacity)


def together(layers: OpinionLayers | None, provisional: OpinionLayers | None) -> OpinionLayers | None:
    """What models have said, over what is provisional; a heatmap that was chosen comes before one that was not."""
    if layers is None or provisional is None:
        return layers or provisional
    return replace(layers, outlines=(*provisional.outlines, *layers.outlines), heat=layers.heat or provisional.heat)


def _glimpses(room: ReadingRoom, viewport: Viewport) -> tuple[SliceGlimpse, ...]:
    """Glimpses of the slice on screen; none of what an earlier run has said, which stays until it is replaced."""
    shown, image = viewport.shown, viewport.image
    if shown is None or image is None or viewport.cut is not None or room.opinion.reading(shown) is None:
        return ()
    known = {(row.key.model, row.label) for row in room.findings.rows(shown) if row.finding is not None and row.slices}
    found = room.opinion.glimpses.on(shown.stack.key, viewport.index)
    shape = image.stored.shape[:2]
    planes = ((g, g.heat if g.mask is None else g.mask) for g in found if (g.model, g.label) not in known)
    return tuple(glimpse for glimpse, plane in planes if plane is not None and plane.shape == shape)


def _heat(room: ReadingRoom, glimpses: tuple[SliceGlimpse, ...]) -> HeatLayer | None:
    """The heatmap of the likeliest finding on the slice."""
    warm = [glimpse for glimpse in glimpses if glimpse.heat is not None]
    if not warm:
        return None
    likeliest = max(warm, key=lambda glimpse: glimpse.probability or 0.0)
    heat, overlays = room.opinion.glimpses.heat_of(likeliest), room.overlays.now
    if heat is None:
        return None
    native = native_cells(room.opinion, likeliest.model)
    label = f"{likeliest.label} so far"
    return HeatLayer(heat, label, threshold=overlays.heat_threshold, opacity=overlays.opacity, native=native)
