"""Every way in that moves money, as something to ask, and what the store keeps of it."""

import io
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Self

import requests
from django.core.management import CommandError, call_command

from audit.context import Actor
from dynamodb.errors import OutcomeUnknownError, StoreBusyError, StoreError, StoreUnavailableError
from payments import accounts, queries, transfers, turns
from payments.models import Account, AccountType, Payment
from payments.requests import OpeningRequest, TransferRequest
from tests.backoffice.browsing import PATIENCE_SECONDS
from tests.backoffice.pages import hidden
from tests.bank import scanned
from tests.builders import TELLER
from tests.faults.asks import Ask

ADDRESS = "/admin/transfers/new/"


@dataclass(frozen=True, kw_only=True)
class Order:
    """A transfer in minor units of USD, whichever way it goes in. A ``mark`` dooms it.

    ``maker`` asks for it by the service; commands and pages are one teller's.
    """

    payment_id: str
    source: str
    target: str
    amount_minor: int
    at: datetime
    maker: str = TELLER.id
    mark: str = ""
    limit_seconds: float = turns.TRANSFER_SECONDS

    @property
    def name(self) -> str:
        return f"{self.payment_id} {self.mark}".strip()

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"at": self.at.isoformat()})

    @classmethod
    def from_json(cls, text: str) -> Self:
        values = json.loads(text)
        return cls(**values | {"at": datetime.fromisoformat(values["at"])})


Way = Callable[[Order], Ask]


def by_service(order: Order) -> Ask:
    request = TransferRequest(
        payment_id=order.payment_id,
        from_account_id=order.source,
        to_account_id=order.target,
        amount_minor=order.amount_minor,
        currency="USD",
        description=order.name,
    )

    def act() -> str:
        transfer = transfers.transfer_funds(
            request, actor=Actor(id=order.maker), at=order.at, limit_seconds=order.limit_seconds
        )
        return outcome(transfer.payment)

    return Ask(order.name, act)


def by_program(port: str) -> Way:
    """As a program asks the service at a port of this machine."""

    def way(order: Order) -> Ask:
        body: dict[str, Any] = {
            "from_account_id": order.source,
            "to_account_id": order.target,
            "amount": order.amount_minor,
            "currency": "USD",
            "description": order.name,
        }
        headers = {
            "Authorization": f"Bearer dev-{order.maker}",
            "Idempotency-Key": order.payment_id,
        }

        def act() -> str:
            answer = requests.post(
                f"http://127.0.0.1:{port}/transfers",
                json=body,
                headers=headers,
                timeout=PATIENCE_SECONDS,
            )
            told = answer.json()
            if answer.status_code in (200, 201):
                return f"{told['status']} {told['id']}"
            if told.get("code") == "busy":
                raise StoreBusyError("the service is busy")
            if answer.status_code in (202, 503):
                raise OutcomeUnknownError(f"the service answers {answer.status_code}")
            assert answer.status_code == 422, answer.text
            return "failed"

        return Ask(order.name, act)

    return way


def by_command(order: Order) -> Ask:
    arguments = [
        *("--from", order.source, "--to", order.target, "--currency", "USD"),
        *("--amount", major_units(order.amount_minor), "--description", order.name),
        *("--request-id", order.name, "--operator", TELLER.id, "--reason", "a test", "--json"),
    ]

    def act() -> str:
        out = io.StringIO()
        try:
            call_command("transfer", *arguments, stdout=out)
        except CommandError as error:
            if isinstance(error.__cause__, StoreUnavailableError):
                # The operator could not be looked up, so nothing may have happened.
                raise StoreBusyError(str(error)) from error
            if isinstance(error.__cause__, StoreError):
                raise error.__cause__ from error
        answer = json.loads(out.getvalue().splitlines()[-1])
        return f"processed {answer['id']}" if "id" in answer else "failed"

    return Ask(order.name, act)


@dataclass
class Pages:
    """The back office as browsers use it, and what its pages answered.

    ``browser`` gives that of whoever asks for an order. After each transfer one more page is looked
    at in turn, ``seen`` in whose browser.
    """

    browser: Callable[[Order], Any]
    seen: Sequence[tuple[str, Any]] = ()
    answers: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    """By address, answers to GET that show the page."""
    failed: int = 0
    _turn: Iterator[int] = field(default_factory=count)

    def transfer(self, order: Order) -> Ask:
        """Open the form once, post it, and look at the account afterwards."""
        entered = {
            "from_account_id": order.source,
            "to_account_id": order.target,
            "amount": major_units(order.amount_minor),
            "currency": "USD",
            "description": order.name,
            "merchant_id": "",
            "confirm": "yes",
        }
        hidden_fields: dict[str, str] = {}
        opening_form = threading.Lock()

        def act() -> str:
            browser = self.browser(order)
            with opening_form:
                if not hidden_fields:
                    hidden_fields.update(self._form(browser))
            try:
                answer = self._request(browser, "post", ADDRESS, entered | hidden_fields)
                return self._outcome(answer, hidden_fields["payment_id"])
            finally:
                self._look(browser, f"/admin/accounts/{order.source}/")
                if self.seen:
                    address, other = self.seen[next(self._turn) % len(self.seen)]
                    self._look(other, address)

        return Ask(order.name, act)

    def _form(self, browser: Any) -> dict[str, str]:
        page = self._look(browser, ADDRESS)
        if page.status_code == 503:
            raise StoreBusyError("the form answers 503")
        return {name: hidden(page, name) for name in ("csrfmiddlewaretoken", "payment_id")}

    def _look(self, browser: Any, address: str) -> Any:
        answer = self._request(browser, "get", address)
        assert answer.status_code in (200, 503), answer.status_code
        return answer

    def _request(self, browser: Any, method: str, address: str, *fields: Any) -> Any:
        answer = getattr(browser, method)(address, *fields)
        later = "Retry-After" in answer.headers
        said = f"{answer.status_code}{' with Retry-After' * later}"
        self.answers[f"{said} to {method.upper()}"] += 1
        self.shown[address] += (method, answer.status_code) == ("get", 200)
        self.failed += answer.status_code >= 500 and said != "503 with Retry-After"
        return answer

    def _outcome(self, answer: Any, form_id: str) -> str:
        content = answer.content.decode()
        if answer.status_code == 302:
            return f"processed {answer.headers['Location'].split('/')[-2]}"
        if answer.status_code == 422 and "/admin/payments/" in content:
            return f"failed {form_id.partition(':')[0]}"
        if answer.status_code == 202:
            raise OutcomeUnknownError("the page answers 202")
        if answer.status_code == 503:
            raise StoreBusyError("the page answers 503")
        raise AssertionError(f"the page answers {answer.status_code}: {content[-1500:]}")


def opening(name: str, at: datetime) -> Ask:
    """Open an account that begins with 1.00 USD."""
    request = OpeningRequest(
        request_id=name,
        customer_id=f"customer-{name}"[:64],
        account_type=AccountType.CHECKING,
        currency="USD",
        opening_balance_minor=100,
    )

    def act() -> str:
        return f"opened {accounts.open_account(request, actor=TELLER, at=at).account.id}"

    return Ask(name, act)


@dataclass
class Looks:
    """Reads of what has just been answered: found, in trouble, or taken for absent."""

    found: int = 0
    in_trouble: int = 0

    def after(self, ask: Ask, account: str) -> Ask:
        """The same, and then look at what was made, as whoever asked would."""

        def act() -> str:
            answer = ask.act()
            _, _, payment = answer.partition(" ")
            try:
                assert queries.get_account(account) is not None, f"{account} is taken for absent"
                if payment:
                    assert queries.get_payment(payment) is not None, f"{payment} taken for absent"
                self.found += 1
            except StoreError:
                self.in_trouble += 1
            return answer

        return Ask(ask.name, act)


def outcome(payment: Payment) -> str:
    """What became of a payment: how, and which."""
    return f"{payment.status} {payment.id}"


def stored() -> dict[str, list[str]]:
    """What the store keeps under the name of each ask."""
    kept: dict[str, list[str]] = {}
    for payment in scanned(Payment):
        kept.setdefault(payment.description or "", []).append(outcome(payment))
    for account in scanned(Account):
        kept.setdefault(account.request_id or "", []).append(f"opened {account.id}")
    return kept


def major_units(amount_minor: int) -> str:
    return f"{amount_minor // 100}.{amount_minor % 100:02}"
