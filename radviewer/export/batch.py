"""One study of many: whatever goes wrong with it, the others are read."""

from __future__ import annotations

from collections.abc import Callable

from radviewer.errors import RadviewerError
from radviewer.progress import Cancelled


def attempted(work: Callable[[], None], fatal: tuple[type[Exception], ...] = ()) -> str:
    """Do the work on one study; a sentence why it brought nothing, or "".

    Raises
    ------
    Cancelled
        And what is `fatal`.

    """
    try:
        work()
    except Cancelled:
        raise
    except fatal:
        raise
    except MemoryError:
        return "There is not enough memory to read it; close other programs."
    except RadviewerError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 -- one bad study never stops the rest
        return f"An internal fault ({type(error).__name__}) stopped reading it; the others are not affected."
    return ""
