"""Specific Character Set: bytes to text (PS3.5 6.1, PS3.3 C.12.1.1.2)."""

from __future__ import annotations

_CODECS = {
    "ISO_IR 13": "shift_jis",
    "ISO_IR 100": "latin_1",
    "ISO_IR 101": "iso8859_2",
    "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4",
    "ISO_IR 126": "iso8859_7",
    "ISO_IR 127": "iso8859_6",
    "ISO_IR 138": "iso8859_8",
    "ISO_IR 144": "iso8859_5",
    "ISO_IR 148": "iso8859_9",
    "ISO_IR 149": "euc_kr",
    "ISO_IR 166": "iso8859_11",
    "ISO_IR 192": "utf_8",
    "ISO_IR 203": "iso8859_15",
    "GB18030": "gb18030",
    "GBK": "gbk",
}

_ESCAPES = (
    (b"\x1b$B", "iso2022_jp_2", True),  # JIS X 0208
    (b"\x1b$(D", "iso2022_jp_2", True),  # JIS X 0212
    (b"\x1b(J", "shift_jis", False),  # JIS X 0201 romaji
    (b"\x1b)I", "shift_jis", False),  # JIS X 0201 katakana
    (b"\x1b(B", "ascii", False),
    (b"\x1b$)C", "euc_kr", False),  # KS X 1001
    (b"\x1b$)A", "gb2312", False),
    (b"\x1b-A", "latin_1", False),
    (b"\x1b-B", "iso8859_2", False),
    (b"\x1b-C", "iso8859_3", False),
    (b"\x1b-D", "iso8859_4", False),
    (b"\x1b-F", "iso8859_7", False),
    (b"\x1b-G", "iso8859_6", False),
    (b"\x1b-H", "iso8859_8", False),
    (b"\x1b-L", "iso8859_5", False),
    (b"\x1b-M", "iso8859_9", False),
    (b"\x1b-T", "iso8859_11", False),
)
"""Escape sequence, codec of what follows, whether the codec wants to see the escape itself."""


def decode_bytes(raw: bytes, charset: bytes) -> str:
    """Decode a text value; never raises, what makes no sense becomes U+FFFD.

    Parameters
    ----------
    raw : bytes
        The value as it is in the file.
    charset : bytes
        Value of SpecificCharacterSet, ``b""`` when absent.

    """
    if b"\x1b" in raw:
        first, *escaped = raw.split(b"\x1b")
        return _decode(first, _codec(charset)) + "".join(_decode_escaped(b"\x1b" + part, charset) for part in escaped)
    if raw.isascii():
        return raw.decode("ascii")
    return _decode(raw, _codec(charset))


def _codec(charset: bytes) -> str:
    """Codec of the first value of SpecificCharacterSet, "" for the default repertoire or nonsense."""
    name = charset.split(b"\\")[0].strip(b" \0").decode("ascii", "replace").upper()
    return _CODECS.get(name.replace("ISO 2022 IR", "ISO_IR"), "")


def _decode(raw: bytes, codec: str) -> str:
    """Decode with `codec`; without one, bytes that are not UTF-8 are taken for Latin-1, the usual cause."""
    if codec:
        return raw.decode(codec, "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin_1")


def _decode_escaped(part: bytes, charset: bytes) -> str:
    for escape, codec, keep in _ESCAPES:
        if part.startswith(escape):
            return part[0 if keep else len(escape) :].decode(codec, "replace")
    return _decode(part[1:], _codec(charset))
