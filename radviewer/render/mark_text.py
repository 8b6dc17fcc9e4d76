"""What is written beside a mark: its quantities in words."""

from __future__ import annotations

from collections.abc import Sequence

from radviewer.domain.geometry import PixelSpacing, SpacingOrigin
from radviewer.domain.measurement import Mark, MarkKind, Quantity
from radviewer.domain.measuring import measure, shown_unit
from radviewer.domain.region import REGION_KINDS
from radviewer.domain.volume import SliceImage

_STATISTICS = ("mean", "SD", "min", "max")


def number(value: float) -> str:
    """A measured value with about three digits, a true minus sign and no exponent nobody reads."""
    size = abs(value)
    if value == int(value) if size < 1e6 else False:
        text = f"{value:.0f}"
    elif size >= 1e6 or size < 0.1:
        text = f"{value:.3g}"
    else:
        text = f"{value:.0f}" if size >= 1000 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"
    return text.replace("-", "−")


def shown(quantity: Quantity) -> str:
    """Value with its unit: ``"23.4 mm"``, ``"57.2 px"``, ``"34.5°"``, ``"3.20 cm²"``."""
    value, unit = quantity.value, quantity.unit
    if unit == "deg":
        return f"{value:.1f}°"
    if unit == "mm" or (quantity.name == "length" and value < 1e6):
        return f"{value:.2f} {shown_unit(unit)}" if value < 1 else f"{value:.1f} {shown_unit(unit)}"
    if unit == "mm2" and value >= 100:
        return f"{number(value / 100)} cm²"
    return f"{number(value)} {shown_unit(unit)}".rstrip()


def provenance(spacing: PixelSpacing | None) -> str:
    """``" (detector plane)"`` behind a value in mm that is not of the patient's own plane."""
    return "" if spacing is None or spacing.origin is SpacingOrigin.PATIENT else f" ({spacing.origin.value})"


def label(mark: Mark, image: SliceImage) -> tuple[str, ...]:
    """Lines beside a mark: the reader's text, then what it measures on its image."""
    lines = [mark.text] if mark.text else []
    quantities = measure(mark, image)
    if mark.kind in REGION_KINDS:
        lines += _region_lines(quantities, image)
    elif quantities:
        name = "Cobb " if mark.kind is MarkKind.COBB else ""
        from_mm = provenance(image.spacing) if mark.kind is MarkKind.LENGTH else ""
        lines.append(f"{name}{shown(quantities[0])}{from_mm}")
    elif mark.kind in (MarkKind.ANGLE, MarkKind.COBB):
        lines.append("no angle")
    return tuple(lines)


def _region_lines(quantities: Sequence[Quantity], image: SliceImage) -> list[str]:
    found = {quantity.name: quantity for quantity in quantities}
    lines = [_statistics_line(found, names) for names in (_STATISTICS[:2], _STATISTICS[2:])]
    if image.is_colour and lines[0]:
        lines.insert(0, "luminance")
    lines.append(f"area {shown(found['area'])}{provenance(image.spacing)}")
    if not found["pixels"].value:
        lines.append("no pixel inside")
    if "left out" in found:
        lines.append(f"{found['left out'].value:.0f} px of padding left out")
    return [line for line in lines if line]


def _statistics_line(found: dict[str, Quantity], names: Sequence[str]) -> str:
    there = [found[name] for name in names if name in found]
    unit = f" {shown_unit(there[0].unit)}".rstrip() if there else ""
    return "  ".join(f"{quantity.name} {number(quantity.value)}" for quantity in there) + unit
