"""PDF files as another program reads them."""

from __future__ import annotations

import pypdfium2


def pages(data: bytes) -> list[str]:
    """Text of each page, line ends as blanks."""
    with pypdfium2.PdfDocument(data) as document:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def words(data: bytes) -> str:
    """Text of all pages without any blanks: where lines are broken does not matter."""
    return "".join("".join(pages(data)).split())


def metadata(data: bytes) -> dict[str, str]:
    """What the file says of itself."""
    with pypdfium2.PdfDocument(data) as document:
        return dict(document.get_metadata_dict())
