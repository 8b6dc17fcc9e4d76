"""What is said when a model meets a fault of its own."""

from __future__ import annotations

from radviewer.errors import RadviewerError

_NO_MEMORY = ("allocate memory", "out of memory", "insufficient memory")  # PyTorch in a RuntimeError, OpenCV in its own


def sentence(error: BaseException) -> str:
    """What the reader is told when a model raised; no message of a library: it may quote the patient's data."""
    if isinstance(error, RadviewerError):
        return str(error)
    text = str(error).lower()
    if isinstance(error, MemoryError) or any(words in text for words in _NO_MEMORY):
        return "There is not enough memory to run the model. Close other studies or programs and run it again."
    return (
        f"The model met an internal fault ({type(error).__name__}). Reading can go on without it; "
        "run it again, or with another model."
    )
