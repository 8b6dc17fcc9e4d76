"""Standardised uptake value by body weight: QIBA's vendor-neutral rule for PET.

The rule asks for Units BQML, attenuation and decay correction, and a decay
correction to the start of the scan or to the injection; where anything is
missing or contradicts itself there is no factor, and the image stays in BQML.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from radviewer.dicom import attributes as a
from radviewer.dicom.headers import DataSet

_DOSE = frozenset(
    {
        a.RADIOPHARMACEUTICAL_START_TIME,
        a.RADIOPHARMACEUTICAL_START_DATE_TIME,
        a.RADIONUCLIDE_TOTAL_DOSE,
        a.RADIONUCLIDE_HALF_LIFE,
    }
)
_DAY = 86_400.0


def suv_factor(data: DataSet) -> float | None:
    """What turns the image's modality values into SUVbw (g/ml), or None."""
    units = data.text(a.UNITS).upper()
    if units == "GML" and data.text(a.SUV_TYPE).upper() in ("", "BW"):
        return 1.0
    weight = data.number(a.PATIENT_WEIGHT)
    corrected = {part.upper() for part in data.texts(a.CORRECTED_IMAGE)}
    if units != "BQML" or weight is None or not 0.5 < weight < 1000 or not {"ATTN", "DECY"} <= corrected:
        return None
    dose = data.first_item(a.RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE, _DOSE)
    if dose is None:
        return None
    activity = _decayed_dose(data, dose)
    return None if activity is None else weight * 1000 / activity


def _decayed_dose(data: DataSet, dose: DataSet) -> float | None:
    """Injected activity in Bq at the time the image is corrected to."""
    injected = dose.number(a.RADIONUCLIDE_TOTAL_DOSE)
    half_life = dose.number(a.RADIONUCLIDE_HALF_LIFE)
    if injected is None or injected <= 0:
        return None
    correction = data.text(a.DECAY_CORRECTION).upper()
    if correction == "ADMIN":
        return injected
    if correction != "START" or half_life is None or half_life <= 0:
        return None
    scan = _scan_time(data, half_life)
    elapsed = None if scan is None else _since_injection(dose, scan)
    if elapsed is None or not 0 <= elapsed < min(_DAY, 20 * half_life):
        return None
    return injected * math.pow(2.0, -elapsed / half_life)


def _scan_time(data: DataSet, half_life: float) -> datetime | None:
    """Time decay is corrected to: the series' start, unless the series was made after the scan."""
    acquired = _moment(data.text(a.ACQUISITION_DATE), data.text(a.ACQUISITION_TIME))
    series = _moment(data.text(a.SERIES_DATE), data.text(a.SERIES_TIME))
    if series is not None and (acquired is None or series <= acquired):
        return series
    if acquired is None:
        return None
    reference = data.number(a.FRAME_REFERENCE_TIME)
    duration = data.number(a.ACTUAL_FRAME_DURATION)
    if reference is None or duration is None or reference <= 0 or duration <= 0:
        return None
    # a post-processed series: from this frame's average count-rate time back to the start
    decay = math.log(2) / half_life * duration / 1000
    average = math.log(decay / (1 - math.exp(-decay))) / (math.log(2) / half_life)
    return acquired + timedelta(seconds=average - reference / 1000)


def _since_injection(dose: DataSet, scan: datetime) -> float | None:
    """Seconds from the injection to `scan`."""
    full = dose.text(a.RADIOPHARMACEUTICAL_START_DATE_TIME)
    start = _moment(full[:8], full[8:]) if len(full) >= 12 else None
    if start is not None:
        return (scan - start).total_seconds()
    start = _moment(scan.strftime("%Y%m%d"), dose.text(a.RADIOPHARMACEUTICAL_START_TIME))
    if start is None:
        return None
    elapsed = (scan - start).total_seconds()
    return elapsed if elapsed >= 0 else elapsed + _DAY  # injected before midnight


def _moment(date: str, time: str) -> datetime | None:
    """DA and TM (a zone, if any, is left out: all times of a scan share it)."""
    for sign in "+-&":
        time = time.split(sign)[0]
    whole, _, fraction = time.strip().partition(".")
    try:
        moment = datetime.strptime(date.strip() + whole.ljust(6, "0"), "%Y%m%d%H%M%S")
        return moment + timedelta(seconds=float(f"0.{fraction}") if fraction else 0.0)
    except ValueError:
        return None
