"""The invoice as a PDF, each of its credit notes on a page of its own; the same invoice gives the same bytes."""

from collections.abc import Sequence
from functools import partial
from io import BytesIO

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from sumac.pages.glyphs import BOLD, REGULAR, marked_up, register_fonts
from sumac.pages.seller import Seller
from sumac.pages.sheet import Fact, Sheet, SheetLine, Sum

MARGIN = 20 * mm
WIDTH = A4[0] - 2 * MARGIN
FACTS_PER_ROW = 3
INK, SOFT, LINE = colors.HexColor("#171b24"), colors.HexColor("#596275"), colors.HexColor("#d4d9e2")
register_fonts()
TEXT = ParagraphStyle("text", fontName=REGULAR, fontSize=9.5, leading=13, textColor=INK, splitLongWords=True)
HINT = ParagraphStyle("hint", TEXT, fontSize=8, leading=11, textColor=SOFT)
STRONG = ParagraphStyle("strong", TEXT, fontName=BOLD)
TITLE = ParagraphStyle("title", TEXT, fontName=BOLD, fontSize=18, leading=23)
FIGURE = ParagraphStyle("figure", TEXT, alignment=2)
FIGURE_HEAD = ParagraphStyle("figure_head", HINT, alignment=2)
RULED_LIGHTLY = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("LINEABOVE", (0, 1), (-1, -1), 0.5, LINE),
    ]
)
RULED = TableStyle([("LINEBELOW", (0, -1), (-1, -1), 0.5, LINE)], parent=RULED_LIGHTLY)
UTC = "Dates are in UTC."
FIGURE_STRONG = ParagraphStyle("figure_strong", STRONG, alignment=2)


def compose_pdf(sheets: Sequence[Sheet], seller: Seller) -> bytes:
    """A document of the sheets, each begun on a new page."""
    buffer = BytesIO()
    document = BaseDocTemplate(
        buffer,
        pagesize=A4,
        title=sheets[0].title,
        subject=sheets[0].title,
        author=seller.name,
        creator="Sumac",
        producer="Sumac",
        lang="en",
        invariant=1,
    )
    frame = Frame(MARGIN, MARGIN + 6 * mm, WIDTH, A4[1] - 2 * MARGIN - 6 * mm, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate("page", [frame], onPage=partial(_draw_margin, seller=seller)))
    story: list[Flowable] = []
    for sheet in sheets:
        story += [PageBreak()] if story else []
        story += _flowables(sheet)
    document.build(story)
    return buffer.getvalue()


def _draw_margin(canvas: Canvas, document: BaseDocTemplate, *, seller: Seller) -> None:
    """The foot of every page: which document it is, and what is true of all of it."""
    canvas.setFont(REGULAR, 7.5)
    canvas.setFillColor(SOFT)
    canvas.drawString(MARGIN, MARGIN, "Sandbox: no real money moves. Dates are in UTC." if seller.in_sandbox else UTC)
    canvas.drawRightString(A4[0] - MARGIN, MARGIN, f"{document.title} · page {document.page}")


def _flowables(sheet: Sheet) -> list[Flowable]:
    story: list[Flowable] = [
        Paragraph(marked_up(sheet.title), TITLE),
        Paragraph(sheet.status, HINT),
        Spacer(0, 6 * mm),
        _facts(sheet.facts),
        Spacer(0, 6 * mm),
        _lines(sheet.lines),
        Spacer(0, 3 * mm),
        _sums(sheet.sums),
    ]
    if sheet.memo:
        story += [Spacer(0, 8 * mm), Paragraph(marked_up(sheet.memo), TEXT)]
    return story


def _facts(facts: Sequence[Fact]) -> Table:
    cells = [[Paragraph(fact.label, HINT), Paragraph(marked_up(fact.text), TEXT), *_hint(fact.hint)] for fact in facts]
    rows = [cells[start : start + FACTS_PER_ROW] for start in range(0, len(cells), FACTS_PER_ROW)]
    rows[-1] += [[] for _ in range(FACTS_PER_ROW - len(rows[-1]))]
    style = TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)])
    return Table(rows, [WIDTH / FACTS_PER_ROW] * FACTS_PER_ROW, style=style, splitInRow=1)


def _lines(lines: Sequence[SheetLine]) -> Table:
    head = [Paragraph("Description", HINT), Paragraph("Quantity", FIGURE_HEAD), Paragraph("Amount", FIGURE_HEAD)]
    rows = [
        [
            [Paragraph(marked_up(line.description), TEXT), *_hint(line.hint)],
            Paragraph(line.quantity, FIGURE),
            Paragraph(line.amount, FIGURE),
        ]
        for line in lines
    ]
    return Table([head, *rows], [WIDTH * 0.58, WIDTH * 0.17, WIDTH * 0.25], repeatRows=1, style=RULED, splitInRow=1)


def _sums(sums: Sequence[Sum]) -> Table:
    rows = [
        [
            Paragraph(each.label, STRONG if each.stands_out else TEXT),
            Paragraph(each.amount, FIGURE_STRONG if each.stands_out else FIGURE),
        ]
        for each in sums
    ]
    return Table(rows, [WIDTH * 0.25, WIDTH * 0.25], hAlign="RIGHT", style=RULED_LIGHTLY)


def _hint(text: str | None) -> list[Flowable]:
    return [] if text is None else [Paragraph(marked_up(text), HINT)]
