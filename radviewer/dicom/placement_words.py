"""What a header says of an image's place in words: PatientOrientation, PixelAspectRatio."""

from __future__ import annotations

from radviewer.dicom import attributes as a
from radviewer.dicom.headers import DataSet

_OURS = {"A": "A", "P": "P", "R": "R", "L": "L", "H": "S", "F": "I"}  # head is superior, foot inferior
_AXES = {"A": 0, "P": 0, "R": 1, "L": 1, "S": 2, "I": 2}
_SQUARE = (1.0, 1.0)
_LARGEST_ASPECT = 100.0


def read_orientation(data: DataSet) -> tuple[str, str] | None:
    """Patient letters of increasing column and of increasing row (PS3.3 C.7.6.1.1.1).

    Head and foot become S and I, as geometry names them; at most two letters each, the
    dominant one first.  None where the words are missing or contradict one another.
    """
    words = data.texts(a.PATIENT_ORIENTATION)
    if len(words) != 2:
        return None
    along_row, along_column = (_letters(word) for word in words)
    if not along_row or not along_column or _AXES[along_row[0]] == _AXES[along_column[0]]:
        return None
    return along_row, along_column


def _letters(word: str) -> str:
    letters = [_OURS.get(letter, "") for letter in word.strip().upper()]
    axes = [_AXES[letter] for letter in letters if letter]
    if "" in letters or len(set(axes)) != len(axes):
        return ""
    return "".join(letters[:2])


def read_aspect(data: DataSet) -> tuple[float, float]:
    """PixelAspectRatio (PS3.3 C.7.6.3.1.7) as the height and width of a pixel, the smaller being 1."""
    ratio = data.vector(a.PIXEL_ASPECT_RATIO, 2)
    if ratio is None or min(ratio) <= 0 or max(ratio) > _LARGEST_ASPECT * min(ratio):
        return _SQUARE
    return ratio[0] / min(ratio), ratio[1] / min(ratio)
