"""Reports as files: everything is on a page, nothing is markup, and pages break between rows."""

from __future__ import annotations

import html.parser
from dataclasses import replace

import pytest
from PySide6.QtGui import QColor, QImage

from radviewer.export.report import DISCLAIMER, FindingLine, KeyImage, MeasurementLine, ModelLine, Report
from radviewer.export.report_html import as_html
from radviewer.export.report_parts import clean
from radviewer.export.report_pdf import as_pdf, paged
from radviewer.export.report_strips import Strip
from tests import pdfs

pytestmark = pytest.mark.usefixtures("qapp")
DECIDED = ("Accepted", "Dr Who, 2026-11-26 00:10 UTC")
EMPTY = Report((("Patient", "Not named in this report"),), "Study …12345678", limits=("Research use only.",))
HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"


def finding(label: str, decision: tuple[str, ...] = DECIDED) -> FindingLine:
    return FindingLine(label, "chest-findings 1.1.0", "DX series 1", 0.9, 0.4, "flagged", decision)


def picture(width: int = 60, height: int = 80) -> QImage:
    made = QImage(width, height, QImage.Format.Format_RGB32)
    made.fill(QColor(40, 60, 80))
    return made


def full() -> Report:
    model = ModelLine(
        "chest-findings 1.1.0", "Findings", "Second opinion.", "Screening.", ("Tuberculosis: flagged from 0.45.",),
        ("AUC", "sensitivity"), (("shenzhen", "662", ("0.955\n[0.941–0.969]", "")),), ("White lungs.",),
    )  # fmt: skip
    image = KeyImage("Tuberculosis – probability 0.90", "Left: alone.", (picture(), picture()), (("#56b4e9", "heart"),))
    return replace(
        EMPTY,
        text="Opacity at the left.\n\nNo effusion.",
        impression=(("DX series 1", "tuberculosis: present"),),
        said=("DX series 1: chest-findings 1.1.0 ran, flagged tuberculosis (0.90).",),
        findings=(finding("tuberculosis"), finding("pneumonia", ("Rejected: artefact", *DECIDED[1:]))),
        pictures=(image,),
        measurements=(MeasurementLine("length", "DX series 1", "23.4 mm", "the reader"),),
        models=(model,),
    )


class Tags(html.parser.HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


EVERYTHING = (
    "Opacity at the left.", "No effusion.", "tuberculosis: present", "Tuberculosis", "0.90", "flagged from 0.40",
    "Accepted", "Dr Who, 2026-11-26 00:10 UTC", "Rejected: artefact", "Left: alone.", "heart", "Length", "23.4 mm",
    "the reader", "chest-findings 1.1.0 – Findings", "Second opinion.", "Screening.", "0.955", "[0.941–0.969]", "662",
    "White lungs.", "Research use only.", "Not named in this report",
)  # fmt: skip


def test_the_pdf_says_everything() -> None:
    said = pdfs.words(as_pdf(full()))
    for text in EVERYTHING:
        assert "".join(text.split()) in said, text


def test_the_page_says_everything_and_loads_nothing() -> None:
    tags = Tags(as_html(full()))
    for text in EVERYTHING:
        assert text in tags.text, text
    assert {"script", "link", "iframe", "object"}.isdisjoint(tags.found)
    sources = [value or "" for name, value in tags.attributes if name in ("src", "href", "srcset")]
    assert len(sources) == 2
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert ("content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'") in tags.attributes


def test_each_page_bears_number_study_and_disclaimer() -> None:
    pages = pdfs.pages(as_pdf(replace(full(), text="word " * 2000)))
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page
        assert DISCLAIMER in page
        assert "…12345678" in page


def test_the_file_itself_names_no_patient() -> None:
    data = as_pdf(replace(EMPTY, header=(("Patient", "Doe, Jane"),), tail="Doe, Jane"))
    said = pdfs.metadata(data)
    assert said["Title"] == "Reading report"
    assert said["Creator"].startswith("radviewer")
    assert "Doe" not in " ".join(said.values())
    assert "Doe" not in as_html(replace(EMPTY, header=(("Patient", "Doe, Jane"),))).split("</head>")[0]


def test_without_findings_it_says_that_no_model_was_run() -> None:
    assert "No model was run." in pdfs.pages(as_pdf(EMPTY))[0]
    assert "No text was written." in Tags(as_html(EMPTY)).text


def test_markup_stays_text() -> None:
    report = replace(
        full(),
        header=(("Patient", HOSTILE),), tail=HOSTILE, text=HOSTILE, impression=((HOSTILE, HOSTILE),), said=(HOSTILE,),
        findings=(FindingLine(HOSTILE, HOSTILE, HOSTILE, 0.5, 0.4, HOSTILE, (HOSTILE, HOSTILE)),),
        pictures=(KeyImage(HOSTILE, HOSTILE, (picture(),), (("#000000", HOSTILE),)),),
        measurements=(MeasurementLine(HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
        models=(ModelLine(HOSTILE, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,), (HOSTILE,), ((HOSTILE, "1", (HOSTILE,)),)),),
        limits=(HOSTILE,),
    )  # fmt: skip
    tags = Tags(as_html(report))
    assert "script" not in tags.found
    assert tags.found.count("img") == 1
    assert not any(name.startswith("on") for name, _ in tags.attributes)
    assert tags.text.count(HOSTILE) > 12
    assert "".join(HOSTILE.split()) in pdfs.words(as_pdf(report))


@pytest.mark.parametrize("name", ["Ахматова, Анна", "Σωκράτης", "Müller, Jürgen", "Nguyễn Văn"])
def test_other_alphabets_are_on_the_page(name: str) -> None:
    report = replace(EMPTY, header=(("Patient", name),), text=name)
    assert "".join(name.split()) in pdfs.words(as_pdf(report))
    assert name in as_html(report)


@pytest.mark.parametrize("text", ["محمد علي", "יוסף", "山田^太郎 漢字", "𝔘𝔫𝔦\U0001f469\u200d⚕️", "a\u0301" * 50])
def test_other_scripts_do_no_harm(text: str) -> None:
    report = replace(EMPTY, header=(("Patient", text),), text=f"{text}\n{text}", findings=(finding(text),))
    assert len(pdfs.pages(as_pdf(report))) == 1
    assert text in as_html(report)


def test_control_characters_and_lone_surrogates_are_left_out() -> None:
    text = "a\x00b\x1b[31m\ud800c\u202ed\u2028e\tf"
    assert clean(text) == "a b [31m c d e f"
    report = replace(EMPTY, header=((text, text),), text=text, findings=(finding(text, (text,)),))
    assert as_html(report).encode("utf-8")
    assert len(pdfs.pages(as_pdf(report))) == 1


def test_long_texts_end_somewhere_and_say_so() -> None:
    assert clean("x" * 3000).endswith("x […]")
    assert len(clean("x" * 3000)) < 2010
    report = replace(EMPTY, text="x" * 50_000, findings=(finding("y" * 50_000),))
    assert len(pdfs.pages(as_pdf(report))) < 10


def test_many_findings_break_between_rows_under_their_headings() -> None:
    report = replace(EMPTY, findings=tuple(finding(f"finding number {n}") for n in range(100)))
    pages = pdfs.pages(as_pdf(report))
    assert len(pages) > 4
    for number in range(100):
        (page,) = [page for page in pages if f"Finding number {number} " in page]
        assert "Probability" in page
        row = page.split(f"Finding number {number} ")[1].split("Finding number")[0]
        assert "Accepted" in row
        assert "Dr Who" in row


def test_a_row_taller_than_a_page_goes_on_on_the_next() -> None:
    words = " ".join(f"word{n}" for n in range(300))
    report = replace(EMPTY, findings=(finding("tuberculosis", tuple([words[:1900]] * 12)),))
    data = as_pdf(report)
    assert len(pdfs.pages(data)) > 2
    assert pdfs.words(data).count("word0word1") == 12


@pytest.mark.parametrize("size", [(4000, 10), (10, 4000), (1, 1)])
def test_pictures_of_any_shape_stay_on_the_page(size: tuple[int, int]) -> None:
    image = KeyImage("One", "Caption.", (picture(*size), picture(*size)))
    pages = pdfs.pages(as_pdf(replace(EMPTY, pictures=(image,) * 3)))
    assert sum(page.count("Caption.") for page in pages) == 3


def test_an_image_that_could_not_be_read_is_named() -> None:
    image = KeyImage("One", "The image could not be read.", ())
    assert "could not be read" in pdfs.pages(as_pdf(replace(EMPTY, pictures=(image,))))[0]


def strip(height: float, *, keep: bool = False, head: Strip | None = None) -> Strip:
    return Strip(height, lambda _painter, _top: None, gap=1.0, keep=keep, head=head)


def heights(strips: list[Strip], height: float) -> list[list[float]]:
    return [[top for top, _ in page] for page in paged(strips, height)]


def test_strips_fill_pages_without_a_gap_at_the_top() -> None:
    assert heights([strip(4), strip(4), strip(4)], 10) == [[0, 5], [0]]


def test_a_heading_is_never_the_last_of_a_page() -> None:
    assert heights([strip(4), strip(2, keep=True), strip(4)], 10) == [[0], [0, 3]]


def test_the_head_is_repeated_where_a_page_begins_with_a_row() -> None:
    head = strip(2)
    assert heights([strip(6), strip(6, head=head)], 10) == [[0], [0, 2]]


def test_what_is_kept_together_but_taller_than_a_page_is_parted() -> None:
    assert heights([strip(6, keep=True), strip(6)], 10) == [[0], [0]]
