"""A report as one HTML file: nothing is loaded from elsewhere, nothing in it runs, and it prints on A4."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator

from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QImage, QImageWriter

from radviewer import __version__, paths
from radviewer.export.report import DISCLAIMER, SUBTITLE, TITLE, KeyImage, Report
from radviewer.export.report_parts import Cell, FactList, Heading, Items, Part, Table, Words, clean, parts

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_COMPRESSION = 60  # of PNG in Qt's 0–100: more costs seconds and saves little


def as_html(report: Report) -> str:
    """The report as a page that needs nothing else.

    Raises
    ------
    MemoryError

    """
    style = (paths.resources() / "report.css").read_text(encoding="utf-8")
    body = "\n".join(_markup(part) for part in parts(report))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="generator" content="radviewer {__version__}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{TITLE}</title>
<style>
{style}</style>
</head>
<body>
<header><span>radviewer · {TITLE}</span><span>{_text(clean(report.tail))}</span></header>
<main>
<h1>{TITLE}</h1>
<p class="quiet">{_text(SUBTITLE)}. {DISCLAIMER}</p>
{body}
</main>
<footer>{DISCLAIMER}</footer>
</body>
</html>
"""


def _markup(part: Part) -> str:
    match part:
        case Heading(text, level):
            return f'<h{level + 1} dir="auto">{_text(text)}</h{level + 1}>'
        case Words(text, quiet):
            kind = "quiet" if quiet else "words"
            return "\n".join(f'<p class="{kind}" dir="auto">{_text(line)}</p>' for line in text.split("\n"))
        case Items(texts):
            return "<ul>" + "".join(f'<li dir="auto">{_text(text)}</li>' for text in texts) + "</ul>"
        case FactList(facts):
            rows = (f'<dt>{_text(name)}</dt><dd dir="auto">{_text(value)}</dd>' for name, value in facts)
            return f"<dl>{''.join(rows)}</dl>"
        case Table():
            return "".join(_table(part))
        case KeyImage():
            return "".join(_figure(part))


def _table(part: Table) -> Iterator[str]:
    yield "<table><colgroup>"
    yield from (f'<col style="width:{100 * share / sum(part.shares):.1f}%">' for share in part.shares)
    yield "</colgroup><thead><tr>"
    yield from (f'<th scope="col">{_text(heading)}</th>' for heading in part.headings)
    yield "</tr></thead><tbody>"
    for row in part.rows:
        yield "<tr>" + "".join(_cell(cell) for cell in row) + "</tr>\n"
    yield "</tbody></table>"


def _cell(cell: Cell) -> str:
    first, *others = cell
    quiet = "".join(f'<div class="quiet" dir="auto">{_text(line)}</div>' for line in others)
    return f'<td><div dir="auto">{_text(first)}</div>{quiet}</td>'


def _figure(part: KeyImage) -> Iterator[str]:
    yield f'<figure><h3 dir="auto">{_text(part.title)}</h3><div class="pictures">'
    for picture in part.pictures:
        yield f'<img alt="{_text(part.title)}" src="data:image/png;base64,{_encoded(picture)}">'
    yield '</div><figcaption><div class="legend">'
    yield from (f'<span><i style="background:{_text(c)}"></i>{_text(name)}</span>' for c, name in part.legend)
    yield f'</div><div dir="auto">{_text(part.caption)}</div></figcaption></figure>'


def _encoded(picture: QImage) -> str:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, QByteArray(b"png"))
    writer.setCompression(_COMPRESSION)
    if not writer.write(picture):
        raise MemoryError("no memory for a picture")
    return base64.b64encode(buffer.data().data()).decode("ascii")


def _text(text: str) -> str:
    return html.escape(text, quote=True).replace("\n", "<br>")
