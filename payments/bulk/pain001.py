"""Rows of an ISO 20022 pain.001 (customer credit transfer initiation), any of its versions.

Read as a stream of tags: nothing is kept but the rows. Document types and entities are refused.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]  # has no types
from defusedxml.expatreader import create_parser  # type: ignore[import-untyped]  # the same

from payments.bulk.rows import LONGEST, BadFile, Row
from payments.identifiers import MOST_ROWS

_DEEPEST = 32
_MOST_TAGS = 100 * MOST_ROWS
_CHUNK = 64 * 1024
_TRANSFER = "CdtTrfTxInf"
_NO_REFERENCE = "NOTPROVIDED"

_COLUMNS = {
    "PmtId/EndToEndId": "reference",
    "Amt/InstdAmt": "amount",
    "CdtrAcct/Id/Othr/Id": "to_account_id",
    "CdtrAcct/Id/IBAN": "to_account_id",
    "RmtInf/Ustrd": "description",
}
"""Where a column stands within a transfer."""

_DEBTOR = frozenset({"PmtInf/DbtrAcct/Id/Othr/Id", "PmtInf/DbtrAcct/Id/IBAN"})
_DAY = frozenset({"PmtInf/ReqdExctnDt", "PmtInf/ReqdExctnDt/Dt"})
_COUNT, _SUM = "GrpHdr/NbOfTxs", "GrpHdr/CtrlSum"


def read_pain(body: bytes, today: date | None) -> Iterator[Row]:
    """The transfers of a file; raises ``BadFile``, also where its own count or sum is not right."""
    _check_tags(body)
    handler = _Transfers(today)
    parser = create_parser(forbid_dtd=True)
    parser.setContentHandler(handler)
    try:
        for start in range(0, len(body), _CHUNK):
            parser.feed(body[start : start + _CHUNK])
        parser.close()
    except DefusedXmlException:
        raise BadFile("The file declares a document type, which none here may do.") from None
    except SAXParseException as error:
        line = error.getLineNumber()
        raise BadFile(f"The file is not well-formed XML: see line {line}.") from None
    handler.check_sums()
    yield from handler.rows


def _check_tags(body: bytes) -> None:
    """Refuse a tag or a text that is longer than any may be, before a parser takes it in whole."""
    start = 0
    while len(body) - start > LONGEST:
        end = body.rfind(b">", start, start + LONGEST)
        if end < 0:
            raise BadFile(f"A tag or text of the file is longer than {LONGEST:,} bytes.")
        start = end + 1


class _Transfers(ContentHandler):
    """Collects rows as tags end. ``path`` is where the parser is, without namespaces' prefixes."""

    def __init__(self, today: date | None) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self._today = today
        self._path: list[str] = []
        self._text: list[str] = []
        self._debtor = ""
        self._values: dict[str, str] = {}
        self._told: dict[str, str] = {}
        self._tags = 0

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - SAX's own
        if not self._path and not any("pain.001." in space for space in attrs.values()):
            raise BadFile("The file is XML, but no pain.001.")
        self._path.append(name.rpartition(":")[2])
        self._text.clear()
        self._tags += 1
        if len(self._path) > _DEEPEST or self._tags > _MOST_TAGS:
            raise BadFile("The file has more tags, or deeper ones, than its rows may need.")
        if self._path[-1] == "PmtInf":
            self._debtor = ""
        elif self._path[-1] == _TRANSFER:
            self._values = {"from_account_id": self._debtor}
        elif "InstdAmt" in self._path:
            self._values["currency"] = attrs.get("Ccy", "")

    def characters(self, content: str) -> None:
        self._text.append(content)
        if len(self._text) > LONGEST:
            raise BadFile(f"A text of the file is longer than {LONGEST:,} bytes.")

    def endElement(self, _name: str) -> None:  # noqa: N802 - the same
        text = "".join(self._text).strip()
        self._text.clear()
        if _TRANSFER in self._path:
            self._end_within_transfer(text)
        else:
            self._end_outside("/".join(self._path[2:]), text)
        self._path.pop()

    def _end_within_transfer(self, text: str) -> None:
        within = "/".join(self._path[self._path.index(_TRANSFER) + 1 :])
        column = _COLUMNS.get(within)
        if column == "description" and self._values.get(column):
            text = f"{self._values[column]} {text}"
        if column and not (column == "reference" and text == _NO_REFERENCE):
            self._values[column] = text
        if not within:
            self.rows.append(Row(number=len(self.rows) + 1, values=self._values))
            if len(self.rows) > MOST_ROWS:
                raise BadFile(f"The file has more than {MOST_ROWS:,} rows: send it in parts.")

    def _end_outside(self, where: str, text: str) -> None:
        if where in _DEBTOR:
            self._debtor = text
        elif where in (_COUNT, _SUM):
            self._told[where] = text
        elif where in _DAY and self._today and text > self._today.isoformat():
            raise BadFile(f"The file asks for {text[:10]}: send it in on that day.")

    def check_sums(self) -> None:
        """Hold the rows against what the file says of them; a malformed amount is its row's."""
        count = self._told.get(_COUNT, "")
        if count and count != str(len(self.rows)):
            raise BadFile(f"The file says {count[:20]} transfers and holds {len(self.rows)}.")
        try:
            total = sum(Decimal(row.values.get("amount", "")) for row in self.rows)
            is_wrong = _SUM in self._told and Decimal(self._told[_SUM]) != total
        except InvalidOperation:
            return
        if is_wrong:
            raise BadFile(f"The file says {self._told[_SUM][:40]} in all; its rows make {total}.")
