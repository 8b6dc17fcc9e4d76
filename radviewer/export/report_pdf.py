"""A report as PDF: A4 pages with the same header and footer, through Qt's own writer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QRectF, Qt
from PySide6.QtGui import QPageLayout, QPageSize, QPainter, QPdfWriter

from radviewer import __version__
from radviewer.export.pictures import ensure_application
from radviewer.export.report import DISCLAIMER, SUBTITLE, TITLE, Report
from radviewer.export.report_parts import clean, parts
from radviewer.export.report_strips import Strip, strips_of
from radviewer.export.report_text import ACCENT, INK, LINE, QUIET, RESOLUTION, pt, type_of

_MARGIN = 18.0  # millimetres
_HEAD, _FOOT = pt(26), pt(26)
_MASTHEAD = pt(46)

Page = list[tuple[float, Strip]]
"""Strips with their upper edges."""


def as_pdf(report: Report) -> bytes:
    """The report as a PDF file: PDF/A-1b, so that an archive can keep it; its metadata name no patient.

    Raises
    ------
    MemoryError

    """
    ensure_application()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setPdfVersion(QPdfWriter.PdfVersion.PdfVersion_A1b)
    writer.setResolution(RESOLUTION)
    margins = QMarginsF(_MARGIN, _MARGIN * 0.7, _MARGIN, _MARGIN * 0.7)
    layout = QPageLayout(
        QPageSize(QPageSize.PageSizeId.A4), QPageLayout.Orientation.Portrait, margins, QPageLayout.Unit.Millimeter
    )
    writer.setPageLayout(layout)
    writer.setTitle(TITLE)
    writer.setCreator(f"radviewer {__version__}")
    painter = QPainter()
    if not painter.begin(writer):
        raise MemoryError("no memory for a report")
    try:
        _paint(painter, writer, report)
    finally:
        painter.end()
    return bytes(buffer.data().data())


def _paint(painter: QPainter, writer: QPdfWriter, report: Report) -> None:
    width, height = float(writer.width()), float(writer.height())
    body = height - _HEAD - _FOOT
    strips = (strip for part in parts(report) for strip in strips_of(part, width, body))
    pages = list(paged([_masthead(width), *strips], body))
    for number, page in enumerate(pages, 1):
        if number > 1:
            writer.newPage()
        _paint_furniture(painter, QRectF(0, 0, width, height), report, f"Page {number} of {len(pages)}")
        for top, strip in page:
            strip.paint(painter, _HEAD + top)


def paged(strips: Iterable[Strip], height: float) -> Iterator[Page]:
    """Strips on pages of a height."""
    page: Page = []
    top = 0.0
    for unit in _units(strips):
        need = sum(strip.gap + strip.height for strip in unit)
        if page and top + need > height and need <= height:
            yield page
            page, top = [], 0.0
        for strip in unit:
            if page and top + strip.gap + strip.height > height:
                yield page
                page, top = [], 0.0
            if page:
                top += strip.gap
            elif strip.head is not None:
                page.append((0.0, strip.head))
                top = strip.head.height
            page.append((top, strip))
            top += strip.height
    if page:
        yield page


def _units(strips: Iterable[Strip]) -> Iterator[list[Strip]]:
    """Strips that stay together: those that are no page's last, and what follows them."""
    unit: list[Strip] = []
    for strip in strips:
        unit.append(strip)
        if not strip.keep:
            yield unit
            unit = []
    if unit:
        yield unit


def _masthead(width: float) -> Strip:
    def paint(painter: QPainter, top: float) -> None:
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
        painter.setPen(ACCENT)
        painter.setFont(type_of(19, bold=True))
        painter.drawText(QRectF(0, top, width, pt(26)), left, TITLE)
        painter.setPen(QUIET)
        painter.setFont(type_of(8.8))
        painter.drawText(QRectF(0, top + pt(26), width, pt(14)), left, f"{SUBTITLE}. {DISCLAIMER}")

    return Strip(_MASTHEAD, paint, keep=True)


def _paint_furniture(painter: QPainter, page: QRectF, report: Report, number: str) -> None:
    left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    head = QRectF(0, 0, page.width(), pt(14))
    foot = QRectF(0, page.height() - pt(14), page.width(), pt(14))
    for line in (head.bottom() + pt(2), foot.top() - pt(2)):
        painter.fillRect(QRectF(0, line, page.width(), pt(0.5)), LINE)
    painter.setFont(type_of(7.4))
    painter.setPen(QUIET)
    painter.drawText(head, left, f"radviewer · {TITLE}")
    metrics = painter.fontMetrics()
    tail = metrics.elidedText(clean(report.tail), Qt.TextElideMode.ElideRight, int(page.width() * 0.7))
    painter.drawText(head, right, tail)
    painter.drawText(foot, right, number)
    painter.setPen(INK)
    painter.drawText(foot, left, DISCLAIMER)
