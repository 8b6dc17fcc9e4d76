"""What can go wrong, said for the reader.

Every message is one or two full sentences: what (name the file), why, and what
to do.  It is shown as it is, so it holds no traceback and no patient data
beyond the file name.
"""

from __future__ import annotations


class RadviewerError(Exception):
    """Base of every error whose message is meant for the reader."""


class NothingToRead(RadviewerError):
    """A folder, archive or file holds nothing that can be opened."""


class UnreadableImage(RadviewerError):
    """One image cannot be decoded; the rest of the study goes on."""


class TooLarge(RadviewerError):
    """An input is refused before memory is allocated for it."""


class NotSaved(RadviewerError):
    """The reader's work could not be written; it is still held in memory."""


class BadResource(RadviewerError):
    """A table under resources/ or a settings file has a wrong entry."""


class WorkerFailed(RadviewerError):
    """The process that holds the networks crashed, hung or met a fault; reading goes on without it."""
