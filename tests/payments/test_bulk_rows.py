"""Bulk files as people send them: CSV in its dialects, pain.001, and what is neither."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from payments.bulk.rows import COLUMNS, MOST_BYTES, BadFile, Row, read_rows
from payments.identifiers import MOST_ROWS
from tests.engines import ROOT

HEADER = ",".join(COLUMNS)
VALUES = {
    "from_account_id": "1", "to_account_id": "2", "amount": "1,234.50", "currency": "USD",
    "description": 'Löhne; "Mai"', "merchant_id": "", "reference": "R-1",
}  # fmt: skip
LINE = '1,2,"1,234.50",USD,"Löhne; ""Mai""",,R-1'
SEMICOLONS = '1;2;1,234.50;USD;"Löhne; ""Mai""";;R-1'


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\n{LINE}\n",
        f"\ufeff{HEADER}\r\n{LINE}\r\n\r\n",
        f"{HEADER}\n{LINE}",
        f"{HEADER.replace(',', ';')}\r\n;;;;;;\r\n{SEMICOLONS}\r\n",
    ],
    ids=["plain", "mark and Windows lines", "no last line end", "semicolons"],
)
def test_every_dialect_says_the_same(text: str) -> None:
    (row,) = read_rows(text.encode())
    assert row == Row(number=1, values=VALUES)


def test_columns_may_stand_in_any_order_and_optional_ones_be_left_out() -> None:
    (row,) = read_rows(b"currency,amount,to_account_id,from_account_id\nUSD,5,2,1\n")
    assert row.values == {
        "currency": "USD", "amount": "5", "to_account_id": "2", "from_account_id": "1",
    }  # fmt: skip


def test_a_row_that_cannot_be_taken_apart_is_that_rows_fault_alone() -> None:
    bad = '1,2,3,USD,"never closed,,\n1,2,3,USD\n'
    first, second, third = read_rows(f"{HEADER}\n{bad}{LINE}\n".encode())
    assert "quotes" in first.fault
    assert "4 values" in second.fault
    assert third == Row(number=3, values=VALUES)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (f"{HEADER}\n{LINE}\n".encode("latin-1"), "Line 2 is not UTF-8 text (byte 0xF6 at place"),
        (f"{HEADER}\n{LINE}\n".encode("utf-16"), "UTF-16"),
        (f"{HEADER}\n{LINE}\n".encode("utf-16-le"), "UTF-16"),
        (HEADER.encode(), "no rows"),
        (b"", "must name the columns"),
        (b"PK\x03\x04\x14", "must name the columns"),
        (f"{HEADER},iban\n".encode(), "no column 'iban'"),
        (f"{HEADER},amount\n".encode(), "twice"),
        (b"from_account_id,amount\n", "to_account_id is not among them"),
        (f"{HEADER}\n{'x' * 9000}\n".encode(), "Line 2 is longer"),
        (f"{HEADER}\n".encode() + b"1,2,3,USD,,,\n" * (MOST_ROWS + 1), "more than 10,000 rows"),
        (b" " * (MOST_BYTES + 1), "larger than 20 MB"),
    ],
)
def test_what_is_no_file_of_transfers_is_refused_with_a_sentence(
    data: bytes, sentence: str
) -> None:
    with pytest.raises(BadFile) as refused:
        read_rows(data)
    assert sentence in str(refused.value)


def test_as_many_rows_as_may_be_are_read() -> None:
    assert len(read_rows(f"{HEADER}\n".encode() + b"1,2,3,USD,,,\n" * MOST_ROWS)) == MOST_ROWS


def pain(transfers: str = "", *, head: str = "", debtor: str = "100000000197") -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<p:Document xmlns:p="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><p:CstmrCdtTrfInitn>
<p:GrpHdr><p:MsgId>M</p:MsgId>{head}</p:GrpHdr>
<p:PmtInf><p:ReqdExctnDt><p:Dt>2026-03-02</p:Dt></p:ReqdExctnDt>
<p:DbtrAcct><p:Id><p:Othr><p:Id>{debtor}</p:Id></p:Othr></p:Id></p:DbtrAcct>
{transfers}</p:PmtInf></p:CstmrCdtTrfInitn></p:Document>""".encode()


def pain_transfer(amount: str = "12.50", reference: str = "E-1") -> str:
    return f"""<p:CdtTrfTxInf>
<p:PmtId><p:InstrId>I</p:InstrId><p:EndToEndId>{reference}</p:EndToEndId>
</p:PmtId><p:Amt><p:InstdAmt Ccy="EUR">{amount}</p:InstdAmt></p:Amt>
<p:Cdtr><p:Nm>A &amp; B</p:Nm></p:Cdtr>
<p:CdtrAcct><p:Id><p:Othr><p:Id>100000000294</p:Id></p:Othr></p:Id></p:CdtrAcct>
<p:RmtInf><p:Ustrd>Rent &amp; heat</p:Ustrd><p:Ustrd>May</p:Ustrd></p:RmtInf></p:CdtTrfTxInf>"""


def test_a_pain_001_is_read_as_rows() -> None:
    head = "<p:NbOfTxs>2</p:NbOfTxs><p:CtrlSum>112.5</p:CtrlSum>"
    two = pain_transfer() + pain_transfer("100", "NOTPROVIDED")
    first, second = read_rows(pain(two, head=head), today=date(2026, 3, 2))
    assert first == Row(
        number=1,
        values={
            "from_account_id": "100000000197",
            "to_account_id": "100000000294",
            "amount": "12.50",
            "currency": "EUR",
            "description": "Rent & heat May",
            "reference": "E-1",
        },
    )
    assert (second.number, second.values["amount"], "reference" in second.values) == (
        2, "100", False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (pain(pain_transfer(), head="<p:NbOfTxs>3</p:NbOfTxs>"), "3 transfers and holds 1"),
        (pain(pain_transfer(), head="<p:CtrlSum>12</p:CtrlSum>"), "says 12 in all"),
        (pain(pain_transfer())[:-20], "not well-formed"),
        (pain(), "no rows"),
        (b"<html></html>", "no pain.001"),
        (pain().replace(b"<p:Doc", b"<!DOCTYPE p:Document><p:Doc"), "document type"),
        (b"<a" + b" x" * 10_000, "longer than 8,192"),
        (b"<D x='pain.001.'>" + b"<a>" * 100, "more tags, or deeper"),
        (pain(pain_transfer() * (MOST_ROWS + 1)), "more than 10,000 rows"),
    ],
)
def test_xml_that_cannot_be_taken_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(BadFile) as refused:
        read_rows(data)
    assert sentence in str(refused.value)


def test_a_pain_001_for_a_later_day_is_not_carried_out_early() -> None:
    with pytest.raises(BadFile, match="asks for 2026-03-02"):
        read_rows(pain(pain_transfer()), today=date(2026, 3, 1))


PROBE = """
import sys
from pathlib import Path
from payments.bulk.rows import BadFile, read_rows
try:
    read_rows(Path(sys.argv[1]).read_bytes())
except BadFile as refusal:
    print(refusal)
(peak,) = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
print(int(peak.split()[1]) // 1024)
"""
MANY = 20 * 2**20 - 100
MONSTERS = {
    "a million columns": lambda: ",".join(f"c{n}" for n in range(1_000_000)).encode(),
    "a million columns in a row": lambda: HEADER.encode() + b"\n" + b"1," * 1_000_000,
    "a million columns over lines": lambda: HEADER.encode() + b'\n"\n' + b'","\n' * 1_000_000,
    "one long line of four bytes each": lambda: "\U0001f4b6".encode() * (MANY // 4),
    "a million attributes": lambda: b"<a " + b" ".join(b"a%d='' " % n for n in range(10**6)),
    "a million tags": lambda: b"<a x='pain.001.'>" + b"<a>" * (MANY // 4),
    "a million siblings": lambda: b"<a x='pain.001.'>" + b"<b/>" * (MANY // 5),
    "a text in a million pieces": lambda: b"<a x='pain.001.'>" + b">\n" * (MANY // 3),
}


@pytest.mark.parametrize("name", MONSTERS)
def test_a_monstrous_file_is_refused_within_200_mb(name: str, tmp_path: Path) -> None:
    file = tmp_path / "monster"
    file.write_bytes(MONSTERS[name]())
    said = subprocess.run(
        [sys.executable, "-c", PROBE, str(file)],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    assert len(said) == 2, "It was not refused."
    assert int(said[-1]) < 200
