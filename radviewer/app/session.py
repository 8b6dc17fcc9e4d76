"""What is open: from a path to studies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from radviewer import paths
from radviewer.app.jobs import Job, JobQueue
from radviewer.domain.study import ScanResult, Stack
from radviewer.domain.volume import SliceImage
from radviewer.errors import RadviewerError
from radviewer.progress import Progress

SCAN_PRIORITY = 30


class Session(QObject):
    """Scans a folder, archive or file and holds the result."""

    started = Signal(object)  # Path
    progressed = Signal(int, int, str)
    first_image = Signal(object, object)  # Stack of one frame, SliceImage: shown while the scan goes on
    opened = Signal(object)  # ScanResult
    failed = Signal(str)
    cancelled = Signal()
    _first = Signal(int, object, object)  # run, Stack, SliceImage; from the scanning thread

    def __init__(self, queue: JobQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.result: ScanResult | None = None
        self.target: Path | None = None
        self._queue = queue
        self._job: Job | None = None
        self._run = 0
        self._first.connect(self._on_first, Qt.ConnectionType.QueuedConnection)

    @property
    def is_demo(self) -> bool:
        """Whether the demo study is open, or on its way."""
        return self.target == paths.demo_study()

    @property
    def scanning(self) -> bool:
        """Whether a scan is on its way."""
        return self._job is not None

    def open(self, target: Path) -> None:
        """Scan `target`; an earlier scan that has not ended is cancelled."""
        self._open(target, lambda _progress: target)

    def open_demo(self) -> None:
        """Write the demo study unless it is there, and scan it."""

        def made(progress: Progress) -> Path:
            from radviewer.dicom.demo import write_demo_study

            return write_demo_study(progress)

        self._open(paths.demo_study(), made)

    def _open(self, target: Path, make: Callable[[Progress], Path]) -> None:
        self.cancel()
        self._run += 1
        self.target = target
        self.result = None
        run = self._run

        def work(progress: Progress) -> ScanResult:
            from radviewer.dicom.scan import scan

            return scan(make(progress), progress, lambda stack: self._preview(run, stack))

        self._job = self._queue.submit(work, "reading the folder", SCAN_PRIORITY)
        self._job.progressed.connect(self.progressed)
        self._job.succeeded.connect(self._on_scanned)
        self._job.failed.connect(self._on_failed)
        self.started.emit(target)

    def cancel(self) -> None:
        """Stop a scan that has not ended."""
        job, self._job = self._job, None
        if job is not None:
            self._run += 1  # its first image must not arrive any more
            job.cancel()
            self.cancelled.emit()

    def close(self) -> None:
        """Forget what was open; a scan must have been cancelled before."""
        self.result = None
        self.target = None

    def _preview(self, run: int, stack: Stack) -> None:
        """Decode the first image in the scanning thread: on screen before the scan ends."""
        from radviewer.dicom.load import read_slice

        try:
            image = read_slice(stack, 0)
        except RadviewerError:
            return  # named when its series is loaded
        self._first.emit(run, stack, image)

    def _on_first(self, run: int, stack: Stack, image: SliceImage) -> None:
        if run == self._run and self.result is None:
            self.first_image.emit(stack, image)

    def _on_scanned(self, result: ScanResult) -> None:
        self._job = None
        self.result = result
        self.opened.emit(result)

    def _on_failed(self, message: str) -> None:
        self._job = None
        self.failed.emit(message)
