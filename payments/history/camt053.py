"""A statement as ISO 20022 camt.053.001.08, the bank-to-customer statement, as it is read.

Ids are written without hyphens, for the standard gives them 35 letters (accounts 34). Times are
UTC. The balance at the end of a period that is not over is interim (``ITBD``), not closing.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import escape

from dynamodb.times import to_rfc3339
from payments.history.statements import Line, Statement
from payments.money import major

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"

_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document may hold."""


def camt053(made: Statement) -> Iterator[bytes]:
    """The document, piece by piece: all of it is never in memory."""
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}">'.encode()
    yield f"<BkToCstmrStmt>{_header(made)}<Stmt>{_head(made)}".encode()
    for line in made.lines():
        yield _entry(line, made.account.currency).encode()
    yield b"</Stmt></BkToCstmrStmt></Document>\n"


def _header(made: Statement) -> str:
    name = f"{made.account.account_number}-{made.made_at:%Y%m%dT%H%M%S%f}"
    return _tag("GrpHdr", _leaf("MsgId", name), _leaf("CreDtTm", to_rfc3339(made.made_at)))


def _head(made: Statement) -> str:
    account, first, last = made.account, made.period.first, made.period.last
    owner = _tag("Ownr", _leaf("Nm", account.customer_id)) if account.customer_id else ""
    end = "CLBD" if made.is_final else "ITBD"
    return "".join(
        [
            _leaf("Id", f"{account.account_number}-{first:%Y%m%d}-{last:%Y%m%d}"),
            _leaf("CreDtTm", to_rfc3339(made.made_at)),
            _tag(
                "FrToDt",
                _leaf("FrDtTm", f"{first}T00:00:00Z"),
                _leaf("ToDtTm", f"{last + timedelta(days=1)}T00:00:00Z"),
            ),
            _tag("Acct", _id(account.account_number), _leaf("Ccy", account.currency), owner),
            _balance("OPBD", made.opening_minor, account.currency, f"{first}"),
            _balance(end, made.closing_minor, account.currency, f"{last}"),
        ]
    )


def _balance(code: str, amount_minor: int, currency: str, day: str) -> str:
    kind = _tag("Tp", _tag("CdOrPrtry", _leaf("Cd", code)))
    return _tag("Bal", kind, _amount(amount_minor, currency), _tag("Dt", _leaf("Dt", day)))


def _entry(line: Line, currency: str) -> str:
    payment, is_paid = line.payment, line.amount_minor < 0
    reference = _leaf("AcctSvcrRef", _short(line.payment_id)) if line.payment_id else ""
    is_reversal = payment is not None and bool(payment.reverses)
    family = _leaf("Cd", "ICDT" if is_paid else "RCDT") + _leaf("SubFmlyCd", "BOOK")
    return _tag(
        "Ntry",
        _leaf("NtryRef", line.key.partition("#")[2]),
        _amount(line.amount_minor, currency, _leaf("RvslInd", "true") if is_reversal else ""),
        _tag("Sts", _leaf("Cd", "BOOK")),
        _tag("BookgDt", _leaf("DtTm", line.key.partition("#")[0])),
        reference,
        _tag("BkTxCd", _tag("Domn", _leaf("Cd", "PMNT"), _tag("Fmly", family))),
        _tag("NtryDtls", _details(line, currency, reference)),
    )


def _details(line: Line, currency: str, reference: str) -> str:
    description = line.payment.description if line.payment else None
    other = _id(_short(line.other_id))
    account = "CdtrAcct" if line.amount_minor < 0 else "DbtrAcct"
    return _tag(
        "TxDtls",
        _tag("Refs", reference),
        _amount(line.amount_minor, currency),
        _tag("RltdPties", _tag(account, other)) if line.other_id else "",
        _tag("RmtInf", _leaf("Ustrd", description)) if description else "",
    )


def _amount(amount_minor: int, currency: str, after: str = "") -> str:
    """An amount without sign, which side it is on, and what follows."""
    text = f"{major(abs(amount_minor), currency):f}"
    side = _leaf("CdtDbtInd", "DBIT" if amount_minor < 0 else "CRDT")
    return f'<Amt Ccy="{currency}">{text}</Amt>{side}{after}'


def _id(text: str) -> str:
    return _tag("Id", _tag("Othr", _leaf("Id", text)))


def _short(name: str) -> str:
    """An id of a payment or account within what the standard allows: its 32 digits."""
    return name.removeprefix("acc_").replace("-", "")[:34]


def _tag(name: str, *inside: str) -> str:
    return f"<{name}>{''.join(inside)}</{name}>"


def _leaf(name: str, text: str) -> str:
    return _tag(name, escape(_UNFIT.sub("\ufffd", text)))
