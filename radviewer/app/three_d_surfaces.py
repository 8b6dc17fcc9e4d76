"""Which outlines of a stack are shown as surfaces in 3D, and how."""

from __future__ import annotations

from dataclasses import dataclass

from radviewer.app.finding_rows import Kind, Row, RowState, size_text
from radviewer.app.overlay_state import Overlays
from radviewer.domain.decision import FindingKey
from radviewer.domain.opinion import Mask

SurfaceKey = tuple[FindingKey, bool]
"""Finding, and whether it is the model's proposal beside the reader's own outline."""

_OPACITY = {
    RowState.PENDING: 0.5,
    RowState.ACCEPTED: 0.8,
    RowState.EDITED: 0.8,
    RowState.MISSED: 0.8,
    RowState.REJECTED: 0.3,
}
_ANATOMY = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One outline of the list.

    Attributes
    ----------
    state : str
        Whose outline it is, in words.
    mask : ndarray of bool, shape (slices, rows, columns)
    measured : str
        What was measured of this very outline, in words; may be "".
    opacity : float
        0–1, unless the reader chooses another.
    visible : bool
        At first.
    finding : bool
        Of a finding, not of the anatomy.

    """

    key: SurfaceKey
    label: str
    state: str
    mask: Mask
    measured: str
    opacity: float
    visible: bool
    finding: bool


def items_of(rows: tuple[Row, ...], overlays: Overlays) -> tuple[Item, ...]:
    """Outlines to list: the one in force of each row and, where the reader changed it, the model's own, hidden.

    With the overlays off nothing of the second opinion is listed.
    """
    if not overlays.on:
        return ()
    found = []
    for row in rows:
        if not (overlays.anatomy if row.kind is Kind.ANATOMY else overlays.findings):
            continue
        if row.mask is not None and row.mask.ndim == 3 and row.slices:
            found.append(_item(row, row.mask, proposal=False))
        changed = row.proposed is not None and row.mask is not None and row.proposed is not row.mask
        if changed and row.proposed is not None and row.proposed.any():
            found.append(_item(row, row.proposed, proposal=True))
    return tuple(found)


def _item(row: Row, mask: Mask, *, proposal: bool) -> Item:
    own = row.proposed is not None and row.proposed is not mask
    opacity = _ANATOMY if row.kind is Kind.ANATOMY else _OPACITY.get(row.state, 0.5)
    visible = not proposal and row.state not in (RowState.REJECTED, RowState.NOT_FLAGGED, RowState.REFUSED)
    return Item(
        (row.key, proposal),
        row.label,
        "AI's proposal" if proposal else _state(row),
        mask,
        "" if own else size_text(row),
        0.35 if proposal else opacity,
        visible,
        row.kind is not Kind.ANATOMY,
    )


def _state(row: Row) -> str:
    if row.kind is Kind.SAVED and row.state is RowState.PENDING:
        return "from a file"
    return "proposed by AI" if row.state is RowState.PENDING else str(row.state.value)
