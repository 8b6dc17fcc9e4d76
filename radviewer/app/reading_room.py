"""Everything a reading needs, put together once: the program without its window."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from radviewer import paths
from radviewer.app.decision_log import DecisionLog
from radviewer.app.decisions import DecisionBook
from radviewer.app.desk import Desk
from radviewer.app.findings import Findings
from radviewer.app.fusion import Fusion
from radviewer.app.hanging_desk import Hanging
from radviewer.app.history import History
from radviewer.app.jobs import JobQueue
from radviewer.app.log_check import log_path, site_key
from radviewer.app.mark_planes import MarkedPlanes
from radviewer.app.mark_store import MarkStore
from radviewer.app.marks import MarkBook
from radviewer.app.mask_edit import MaskEdit
from radviewer.app.model_worker import ModelWorker
from radviewer.app.mpr import Mpr
from radviewer.app.opinion_runs import SecondOpinionParts
from radviewer.app.opinion_store import OpinionStore
from radviewer.app.overlay_state import OverlayState
from radviewer.app.registering import Registering
from radviewer.app.saved_segments import SavedRows, saved_rows
from radviewer.app.second_opinion import SecondOpinion
from radviewer.app.series_cache import SeriesCache, physical_memory
from radviewer.app.session import Session
from radviewer.app.settings import Settings, SettingsFile
from radviewer.app.shown import Shown, reference_of, stacks_of
from radviewer.app.toolbox import Toolbox
from radviewer.app.viewport import Viewport
from radviewer.dicom.decision_reports import COMPREHENSIVE_3D_SR
from radviewer.dicom.segments import SEGMENTATION_STORAGE
from radviewer.domain.decision import Policy, Presence
from radviewer.domain.measurement import ImageReference
from radviewer.domain.planes import Orientation
from radviewer.domain.study import ScanResult, Series, Stack, Study
from radviewer.domain.volume import SliceImage
from radviewer.errors import NothingToRead
from radviewer.render.presentation import Interpolation

_SEGMENTS = -10  # priority: behind the images


class ReadingRoom(QObject):
    """Owns the state objects and carries a scan's result to the desk.

    Attributes
    ----------
    queue, display_queue, settings, session, cache, history, marks, desk, toolbox
        The parts; the window connects to their signals.

    """

    notice = Signal(str)  # a sentence for the reader that needs no answer
    studies_changed = Signal()  # something was opened, closed, or could not be opened

    def __init__(self, settings: SettingsFile, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        settings.setParent(self)
        self.queue = JobQueue("loading", self)
        self.display_queue = JobQueue("display", self)  # contrast aids: they must not wait for a series
        self.export_queue = JobQueue("export", self)
        self.session = Session(self.queue, self)
        self.cache = SeriesCache(self.queue, 0, self)
        self.history = History(self)
        self.marks = MarkBook(MarkStore(paths.user_data() / "marks.sqlite"), self.history, self)
        self.desk = Desk(self.cache, self.history, self)
        self.hanging = Hanging(self.desk, settings, lambda: tuple(self.all_shown()), self)
        self.hanging.notice.connect(self.notice)
        self.mpr = Mpr(self.desk, self)
        self.mpr.refused.connect(self.notice)
        self.hanging.show_plane = self._show_plane
        self.toolbox = Toolbox(self)
        self._make_side_by_side()
        self._make_second_opinion()
        self._places: dict[ImageReference, tuple[Shown, int]] | None = None
        self._marked_planes = MarkedPlanes(self.all_shown)
        self._policy = settings.now.policy
        self.session.started.connect(self._on_started)
        self.session.first_image.connect(self._on_first_image)
        self.session.opened.connect(self._on_opened)
        self.session.failed.connect(self._on_failed)
        self.session.cancelled.connect(self._on_cancelled)
        self.desk.layout_changed.connect(self._fill)
        self.cache.failed.connect(lambda _key, message: self.notice.emit(message))
        self.cache.loaded.connect(self._on_loaded)
        settings.changed.connect(self._on_settings)
        self._on_settings(settings.now)

    def _make_side_by_side(self) -> None:
        self.registering_queue = JobQueue("registering", self)
        self.registering = Registering(self.registering_queue, self.cache, self.desk.links, self)
        self.registering.notice.connect(self.notice)
        self.fusion = Fusion(self.desk, self.cache, self)

    def _make_second_opinion(self) -> None:
        self.ai_queue = JobQueue("second-opinion", self)
        self.worker = ModelWorker(paths.models())
        self.overlays = OverlayState(self)
        self.opinion_store = OpinionStore(paths.user_data() / "opinions")
        self.decisions = DecisionBook(DecisionLog(log_path(), self._site_key()), self.history, self)
        self.opinion = SecondOpinion(
            SecondOpinionParts(
                self.ai_queue,
                self.cache,
                self.worker,
                self.opinion_store,
                self.decisions,
            ),
            policy=lambda: Policy(self.settings.now.policy),
            reader=lambda: self.settings.now.reader,
            slice_of=self.desk.slice_of,
            parent=self,
        )
        self.findings = Findings(
            self.desk,
            self.opinion,
            self.decisions,
            self.settings,
            all_shown=lambda: tuple(self.all_shown()),
            masks=self.opinion_store.load_mask,
            parent=self,
            mpr=self.mpr,
        )
        self.mask_edit = MaskEdit(self.opinion_store, self.findings, self)
        self.mask_edit.not_saved.connect(self.notice)
        self.opinion.notice.connect(self.notice)
        self.opinion.changed.connect(self._reveal)
        self.opinion.glimpses.changed.connect(self._reveal)
        self.desk.layout_changed.connect(self._reveal)
        self.desk.active_changed.connect(self._leave_edit)
        for viewport in self.desk.viewports:
            viewport.image_changed.connect(partial(self._on_seen, viewport))
            viewport.stack_changed.connect(self._reveal)
            viewport.stack_changed.connect(self._leave_edit)

    def _site_key(self) -> bytes | None:
        try:
            return site_key()
        except NothingToRead as error:
            QTimer.singleShot(0, partial(self.notice.emit, f"{error} Decisions are logged unsigned."))
            return None

    def open(self, target: Path) -> None:
        """Open a folder, DICOMDIR, .zip or file in place of what is open."""
        self.session.open(target)

    def open_demo(self) -> None:
        """Open the demo study in place of what is open."""
        self.session.open_demo()

    def lock_impression(self, shown: Shown, labels: tuple[tuple[str, Presence], ...], text: str) -> None:
        """Lock what the reader thinks of a stack; with that the second opinion may be shown."""
        self.decisions.lock(self.findings.impression_of(shown, labels, text))
        self.opinion.ask_again(shown)

    def all_shown(self) -> Iterator[Shown]:
        """Every stack of what is open, in the browser's order."""
        if self.session.result is not None:
            yield from stacks_of(self.session.result)

    def place_of(self, image: ImageReference) -> tuple[Shown, int] | None:
        """Stack, or planes of one, and 0-based index of an image; None when it is not open."""
        if image.planes is not None:
            return self._marked_planes.place_of(image)
        if self._places is None:
            self._places = {}
            for shown in self.all_shown():
                for index in range(len(shown.stack.frames)):
                    self._places.setdefault(reference_of(shown, index), (shown, index))
        return self._places.get(image)

    def close_study(self) -> None:
        """Close what is open."""
        self.session.cancel()
        self.session.close()
        self.marks.open(())
        self.decisions.open(())
        self._on_started()

    def stop_work(self) -> None:
        """Stop reading and loading, as the reader asked."""
        self.session.cancel()
        self.registering.cancel()
        self.cache.stop_loading()

    def close(self) -> bool:
        """End the program: nothing is delivered afterwards, nothing owed is left unwritten.

        Returns
        -------
        bool
            False when the working thread could not be stopped (see `JobQueue.close`).

        """
        self.session.cancel()
        self.registering.cancel()
        self.cache.close()
        self.mask_edit.finish()
        self.opinion.close()
        self.marks.close()
        self.decisions.close()
        self.settings.flush()
        ended = [queue.close() for queue in self._queues]
        return all(ended)

    @property
    def _queues(self) -> tuple[JobQueue, ...]:
        return (self.registering_queue, self.export_queue, self.ai_queue, self.display_queue, self.queue)

    def _on_settings(self, settings: Settings) -> None:
        self.cache.set_budget(int(physical_memory() * settings.memory_share))
        self.desk.set_linked(settings.linked)
        self.desk.set_cine_rate(settings.cine_rate)
        self.desk.set_interpolation(Interpolation.LINEAR if settings.smooth else Interpolation.NEAREST)

        if settings.policy != self._policy:
            self._policy = settings.policy
            self.opinion.follow_policy()

    def _on_loaded(self, key: str) -> None:
        shown = next((shown for shown in self.all_shown() if shown.stack.key == key), None)
        if shown is not None:
            self.opinion.loaded(shown)

    def _reveal(self) -> None:
        """What was said about a stack on screen is seen from now on."""
        for viewport in self.desk.seen:
            if viewport.subject is not None and viewport.reference is not None:
                self.opinion.reveal(viewport.subject)

    def _leave_edit(self) -> None:
        self.mask_edit.leave(self.desk.active.shown)

    def _on_seen(self, viewport: Viewport) -> None:
        """Count what was on screen."""
        if viewport in self.desk.seen and viewport.stack is not None and viewport.image is not None:
            self.findings.attention.saw(viewport.stack.key, viewport.index)

    def _on_failed(self, message: str) -> None:
        self._on_cancelled()
        self.notice.emit(message)

    def _on_cancelled(self) -> None:
        self.desk.clear()  # of a first image that came before
        self.studies_changed.emit()

    def _on_started(self) -> None:
        self.registering.cancel()
        self.fusion.clear()
        self.desk.links.clear()
        self.opinion.close_study()
        self.mask_edit.finish()
        self.findings.clear()
        self.desk.clear()
        self.mpr.clear()
        self.cache.close()
        self.history.clear()
        self._forget_places()
        self.studies_changed.emit()

    def _on_first_image(self, stack: Stack, image: SliceImage) -> None:
        series = Series("", None, None, None, None, (stack,))
        study = Study("", None, None, None, None, (series,))
        self.desk.active.show(Shown(study, series, stack), preview=image)

    def _show_plane(self, index: int, shown: Shown, plane: str) -> bool:
        """Show a plane of a volume, or the volume in 3D ("3d"), in a viewport; False when it has none."""
        viewport = self.desk.viewports[index]
        if plane != "3d":
            return self.mpr.show(viewport, shown, Orientation(plane))
        viewport.show(shown)
        viewport.set_in_3d(True)
        return True

    def _forget_places(self) -> None:
        self._places = None
        self._marked_planes.clear()

    def _on_opened(self, result: ScanResult) -> None:
        self._forget_places()
        self.marks.open(study.study_uid for study in result.studies)
        self.decisions.open(study.study_uid for study in result.studies)
        self.studies_changed.emit()
        everything = list(stacks_of(result))
        if not everything:
            self.desk.clear()
            self.notice.emit(_nothing_to_show(result))
            return
        self._read_segments(result)
        if not self.hanging.hang():
            self.desk.active.show(everything[0])  # whichever came first: the same folder always opens the same way
            self._fill()

    def _read_segments(self, result: ScanResult) -> None:
        """Show segmentations and decisions that lie beside the images."""
        if any(found.sop_class_uid in (SEGMENTATION_STORAGE, COMPREHENSIVE_3D_SR) for found in result.not_images):
            job = self.queue.submit(partial(saved_rows, result), "reading segmentations", _SEGMENTS)
            job.succeeded.connect(partial(self._on_segments, result))
            job.failed.connect(self.notice)

    def _on_segments(self, result: ScanResult, found: SavedRows) -> None:
        if result is not self.session.result:
            return
        self.findings.add_saved(found.rows)
        for sentence in found.problems:
            self.notice.emit(sentence)

    def _fill(self) -> None:
        """Show the following stacks of the study in viewports that show nothing."""
        shown = self.desk.active.subject
        if self.session.result is None or shown is None or self.hanging.applying:
            return
        on_screen = {v.stack.key for v in self.desk.seen if v.stack is not None}
        of_study = [s for s in self.all_shown() if s.study is shown.study]
        start = next((i for i, s in enumerate(of_study) if s.stack is shown.stack), 0)
        coming = iter(s for s in of_study[start:] + of_study[:start] if s.stack.key not in on_screen)
        for viewport in self.desk.seen:
            if viewport.shown is None and (following := next(coming, None)) is not None:
                viewport.show(following)


def _nothing_to_show(result: ScanResult) -> str:
    others, skipped = len(result.not_images), len(result.skipped)
    if not others and not skipped:
        return f"{result.root} holds no files. Choose a folder, DICOMDIR or .zip with DICOM images."
    parts = [f"{others} other DICOM object{'s' * (others != 1)}"] * bool(others)
    parts += [f"{skipped} file{'s' * (skipped != 1)} that could not be used"] * bool(skipped)
    return f"{result.root} holds no DICOM images, only {' and '.join(parts)}. The list of skipped files says why."
