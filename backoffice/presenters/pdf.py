"""What is printed on A4: headings, facts, tables. The fonts know Latin letters only."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from fpdf import FPDF

from backoffice.presenters.printed import Column, Section

_LINE = 5.5
_FONT = "helvetica"


class Sheet(FPDF):
    """A document with a title, page numbers, and on every page the heads of the table it is in."""

    columns: Sequence[Column] = ()

    def __init__(self, title: str, at: datetime) -> None:
        super().__init__()
        self.set_title(title)
        self.set_creation_date(at)
        self.add_page()
        self._line(title, "B", 16, 8)
        self._line(_("Made {at} UTC").format(at=date_format(at, "d M Y H:i")), "", 10, _LINE)

    def footer(self) -> None:
        self.set_y(-15)
        self.set_font(_FONT, "", 8)
        self.cell(w=0, text=_("Page {page_no}").format(page_no=self.page_no()), align="R")

    def header(self) -> None:
        self._row(self.columns, [column.name for column in self.columns], "B")

    def add_section(self, section: Section) -> None:
        self.ln(5)
        self._line(section.heading, "B", 12, 6)
        self.set_font(_FONT, "", 10)
        with self.table(first_row_as_headings=False, col_widths=(2, 3)) as table:
            for line in section.lines:
                table.row([latin(text) for text in line])

    def add_rows(self, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
        """A table of any length, row by row; what is too long for its column is cut."""
        self.ln(5)
        self.columns = columns
        self.header()
        for row in rows:
            self._row(columns, row, "")
        self.columns = ()

    def _row(self, columns: Sequence[Column], row: Sequence[str], style: str) -> None:
        if not columns:
            return
        if self.will_page_break(_LINE):
            self.add_page()
        self.set_font(_FONT, style, 8)
        for column, text in zip(columns, row, strict=True):
            fitting = self._cut(latin(text), column.width)
            self.cell(w=column.width, h=_LINE, text=fitting, border="B", align=column.align)
        self.ln(_LINE)

    def _cut(self, text: str, width: float) -> str:
        if self.get_string_width(text) <= width - 2:
            return text
        while text and self.get_string_width(f"{text}...") > width - 2:
            text = text[:-1]
        return f"{text}..."

    def _line(self, text: str, style: str, size: int, height: float) -> None:
        self.set_font(_FONT, style, size)
        self.cell(h=height, text=latin(text), new_x="LMARGIN", new_y="NEXT")


def printed(title: str, at: datetime, sections: Iterable[Section]) -> bytes:
    """A document of sections alone."""
    sheet = Sheet(title, at)
    for section in sections:
        sheet.add_section(section)
    return bytes(sheet.output())


def latin(text: str) -> str:
    """Text that the fonts can write, a question mark for each other letter."""
    return text.encode("latin-1", "replace").decode("latin-1")
