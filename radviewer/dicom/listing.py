"""What a scan found, as the JSON of the command line: a contract other programs rely on."""

from __future__ import annotations

from pathlib import Path

from radviewer.domain.study import ScanResult, Series, Stack, Study


def listing(result: ScanResult) -> dict[str, object]:
    """JSON of ``radviewer scan``; unknown values are None, `frame` counts from 0."""
    return {
        "studies": [_study(study) for study in result.studies],
        "not_images": [{"path": n.location.name, "sop_class": n.sop_class} for n in result.not_images],
        "skipped": [{"path": s.location.name, "reason": s.reason} for s in result.skipped],
    }


def _study(study: Study) -> dict[str, object]:
    return {
        "study_uid": study.study_uid or None,
        "date": study.date,
        "description": study.description,
        "patient_name": study.patient_name,
        "patient_id": study.patient_id,
        "series": [_series(series) for series in study.series],
    }


def _series(series: Series) -> dict[str, object]:
    return {
        "series_uid": series.series_uid or None,
        "number": series.number,
        "modality": series.modality,
        "description": series.description,
        "body_part": series.body_part,
        "stacks": [_stack(stack) for stack in series.stacks],
    }


def _stack(stack: Stack) -> dict[str, object]:
    geometry = stack.geometry
    return {
        "kind": stack.kind.value,
        "shape": list(stack.shape),
        "spacing_mm": spacing_mm(stack),
        "affine_lps": None if geometry is None else geometry.affine_lps.tolist(),
        "files": files(stack),
        "transfer_syntax": stack.format.transfer_syntax_uid or None,
        "warnings": list(stack.warnings),
    }


def spacing_mm(stack: Stack) -> list[float | None] | None:
    """``[between slices or None, row, column]`` of PixelSpacing; None without it."""
    spacing = stack.frames[0].spacing
    if spacing is None or spacing.attribute != "PixelSpacing":
        return None
    geometry = stack.geometry
    between = geometry.spacing[0] if geometry is not None and len(stack.frames) > 1 else None
    return [between, spacing.row, spacing.column]


def files(stack: Stack) -> list[dict[str, object]]:
    """Files of a stack in slice order."""
    return [
        {
            "path": frame.file.location.name,
            "sop_instance_uid": frame.file.sop_instance_uid or None,
            "frame": frame.index,
        }
        for frame in stack.frames
    ]


def summary(result: ScanResult) -> str:
    """What a scan found, in lines for a person."""
    lines: list[str] = []
    for study in result.studies:
        lines.append(_line("Study", study.date, study.description, study.patient_name, study.patient_id))
        for series in study.series:
            number = None if series.number is None else str(series.number)
            lines.append("  " + _line("Series", number, series.modality, series.description, series.body_part))
            for stack in series.stacks:
                shape = " × ".join(map(str, stack.shape))
                lines.append("    " + _line(stack.kind.value, shape, stack.label or None))
                lines.extend(f"      ! {warning}" for warning in stack.warnings)
    lines.extend(f"Not an image: {n.location.name} ({n.sop_class})" for n in result.not_images)
    lines.extend(f"Skipped: {s.location.name}: {s.reason}" for s in result.skipped)
    images = sum(len(st.frames) for s in result.studies for se in s.series for st in se.stacks)
    lines.append(
        f"{len(result.studies)} studies, {images} images, {len(result.not_images)} other DICOM objects, "
        f"{len(result.skipped)} files skipped."
    )
    return "\n".join(_printable(line) for line in lines)


def nothing_found(result: ScanResult, opened: Path) -> str:
    """Say that there is no image, and what was there instead."""
    return f"No image was found in {opened}{_printable(_instead(result))}."


def _instead(result: ScanResult) -> str:
    match (result.not_images, result.skipped):
        case ((), (only,)):
            return f": {_following(only.reason)}"
        case ((only,), ()):
            return f": it holds {only.sop_class}"
        case (_, (first, *others)):
            name, reason = first.location.name, _following(first.reason)
            many = f"{len(others) + 1} files were skipped, the first, {name}" if others else f"{name} was skipped"
            return f": {many}: {reason}"
    return ""


def _following(reason: str) -> str:
    return f"{reason[:1].lower()}{reason[1:].rstrip('.')}"


def _line(*words: str | None) -> str:
    return "  ".join(word for word in words if word)


def _printable(line: str) -> str:
    """Text of a header must not steer the terminal."""
    return "".join(c if c.isprintable() else "�" for c in line)
