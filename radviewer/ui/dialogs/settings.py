"""The settings dialog."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from radviewer.app.screenshots import folder_of
from radviewer.app.settings import SettingsFile
from radviewer.domain.decision import Policy
from radviewer.render.annotations import Density
from radviewer.ui.choice_box import ChoiceBox
from radviewer.ui.labels import plain_label

_DENSITIES = {
    Density.FULL: "Full",
    Density.ANONYMOUS: "Anonymous: nothing that names the patient",
    Density.NONE: "None",
}
_PATIENT = {
    Density.ANONYMOUS: "Name no patient",
    Density.NONE: "No annotations at all",
    Density.INITIALS: "Initials of the patient",
    Density.FULL: "Name the patient",
}
_POLICIES = {
    Policy.READ_FIRST: "Read first: hidden until you lock an impression",
    Policy.ON_REQUEST: "On request: only anatomy is outlined at once",
    Policy.CONCURRENT: "Concurrent: runs as soon as a series is loaded",
}
_SIZES = {"screen": "As large as the viewport", "native": "Pixel for pixel", "width": "This wide"}
_FORMATS = {"png": "PNG", "tiff": "TIFF"}


class SettingsDialog(QDialog):
    """What can be set, in words; nothing changes before "Save"."""

    def __init__(self, settings: SettingsFile, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self._settings = settings
        now = settings.now
        self.reader = QLineEdit(now.reader)
        self.reader.setMaxLength(100)
        self.reader.setMinimumWidth(280)
        self.density = ChoiceBox()
        for density, text in _DENSITIES.items():
            self.density.addItem(text, density.value)
        self.density.setCurrentIndex(self.density.findData(now.density))
        self.cine_rate = QDoubleSpinBox()
        self.cine_rate.setRange(1, 60)
        self.cine_rate.setDecimals(1)
        self.cine_rate.setSuffix(" images/s")
        self.cine_rate.setValue(now.cine_rate)
        self.memory = QSpinBox()
        self.memory.setRange(5, 90)
        self.memory.setSuffix(" % of this computer's memory")
        self.memory.setValue(round(now.memory_share * 100))
        self.policy = ChoiceBox()
        for policy, text in _POLICIES.items():
            self.policy.addItem(text, policy.value)
        self.policy.setCurrentIndex(self.policy.findData(now.policy))
        self.hasty = QDoubleSpinBox()
        self.hasty.setRange(0, 60)
        self.hasty.setDecimals(1)
        self.hasty.setSuffix(" s")
        self.hasty.setValue(now.hasty_seconds)
        self.picture_patient = ChoiceBox()
        for density, text in _PATIENT.items():
            self.picture_patient.addItem(text, density.value)
        self.picture_patient.setCurrentIndex(self.picture_patient.findData(now.picture_patient))
        self.picture_scale = QDoubleSpinBox()
        self.picture_scale.setRange(0.25, 4)
        self.picture_scale.setSingleStep(0.5)
        self.picture_scale.setSuffix(" ×")
        self.picture_scale.setValue(now.picture_scale)
        self.picture_folder = QLineEdit(now.picture_folder)
        self.picture_folder.setMaxLength(4096)
        self.picture_folder.setPlaceholderText(str(folder_of("")))
        self.picture_size = self._choice(_SIZES, now.picture_size)
        self.picture_width = QSpinBox()
        self.picture_width.setRange(200, 8000)
        self.picture_width.setSuffix(" pixels wide")
        self.picture_width.setValue(now.picture_width)
        self.picture_format = self._choice(_FORMATS, now.picture_format)
        self.picture_size.currentIndexChanged.connect(self._show_size)
        self._show_size()
        self.picture_rejected = self._check("Rejected findings too", now.picture_rejected)
        self.smooth = self._check("Smooth magnified pixels", now.smooth)
        self.linked = self._check("Scroll parallel series together", now.linked)
        self.reference_lines = self._check("Reference lines between viewports", now.reference_lines)
        self.hang = self._check("Hang studies by protocol when they are opened", now.hang_automatically)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.accepted.connect(self._save)
        self.buttons.rejected.connect(self.reject)
        self._lay_out()

    @staticmethod
    def _choice(texts: dict[str, str], now: str) -> ChoiceBox:
        box = ChoiceBox()
        for value, text in texts.items():
            box.addItem(text, value)
        box.setCurrentIndex(box.findData(now))
        return box

    def _show_size(self) -> None:
        wide = self.picture_size.currentData() == "width"
        self.picture_scale.setEnabled(not wide)
        self.picture_width.setEnabled(wide)

    def _check(self, text: str, checked: bool) -> QCheckBox:
        box = QCheckBox(text)
        box.setChecked(checked)
        return box

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.addRow("Reader's name", self.reader)
        form.addRow("Annotations", self.density)
        form.addRow("", plain_label("Anonymous and none also hide the patient in the study list.", "muted"))
        form.addRow("Cine rate", self.cine_rate)
        form.addRow("", plain_label("Where the file names none.", "muted"))
        form.addRow("Decoded images", self.memory)
        form.addRow("Second opinion", self.policy)
        form.addRow("A gentle word after", self.hasty)
        form.addRow("", plain_label("When a finding was decided about faster than that.", "muted"))
        form.addRow("Saved pictures", self.picture_patient)
        size = QHBoxLayout()
        for part in (self.picture_size, self.picture_scale, self.picture_width, self.picture_format):
            size.addWidget(part)
        form.addRow("", size)
        form.addRow("", self.picture_rejected)
        choose = QPushButton("Choose…")
        choose.setAutoDefault(False)
        choose.clicked.connect(self._choose_folder)
        place = QHBoxLayout()
        place.addWidget(self.picture_folder)
        place.addWidget(choose)
        form.addRow("Exported to", place)
        form.addRow("", plain_label("Pictures, reports and DICOM objects.", "muted"))
        for box in (self.smooth, self.linked, self.reference_lines, self.hang):
            form.addRow("", box)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(16)
        column.addLayout(form)
        column.addWidget(self.buttons)

    def _choose_folder(self) -> None:
        start = self.picture_folder.text() or self.picture_folder.placeholderText()
        chosen = QFileDialog.getExistingDirectory(self, "Folder of exports", start)
        if chosen:
            self.picture_folder.setText(chosen)

    def _save(self) -> None:
        self._settings.change(
            reader=self.reader.text().strip(),
            density=self.density.currentData(),
            cine_rate=self.cine_rate.value(),
            memory_share=self.memory.value() / 100,
            policy=self.policy.currentData(),
            picture_patient=self.picture_patient.currentData(),
            picture_size=self.picture_size.currentData(),
            picture_scale=self.picture_scale.value(),
            picture_width=self.picture_width.value(),
            picture_folder=self.picture_folder.text().strip(),
            picture_rejected=self.picture_rejected.isChecked(),
            picture_format=self.picture_format.currentData(),
            hasty_seconds=self.hasty.value(),
            smooth=self.smooth.isChecked(),
            linked=self.linked.isChecked(),
            reference_lines=self.reference_lines.isChecked(),
            hang_automatically=self.hang.isChecked(),
        )
        self.accept()
