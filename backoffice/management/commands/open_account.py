"""`manage.py open_account`: open an account, with money from the clearing account if asked."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from audit.context import Actor
from backoffice.management.base import Done, OperatorCommand
from backoffice.permissions import Permission
from payments.accounts import open_account
from payments.money import parse_amount
from payments.requests import OpeningRequest
from payments.wire import account_json


class Command(OperatorCommand):
    help = "Open an account."
    permission = Permission.OPEN_ACCOUNTS

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--customer-id", required=True, help="the owner")
        parser.add_argument(
            "--account-type", required=True, metavar="TYPE", help="checking, savings or merchant"
        )
        parser.add_argument("--currency", required=True, help="ISO 4217, such as USD")
        parser.add_argument(
            "--opening-balance", default="0", metavar="AMOUNT", help="in major units: 1,234.50"
        )
        parser.add_argument(
            "--request-id", default="", help="a name of yours: given again, nothing is done twice"
        )

    def act(self, *, actor: Actor, at: datetime, options: dict[str, Any]) -> Done:
        request = OpeningRequest(
            request_id=self.request_id(options, actor),
            customer_id=options["customer_id"],
            account_type=options["account_type"],
            currency=options["currency"],
            opening_balance_minor=parse_amount(options["opening_balance"], options["currency"]),
        )
        opening = open_account(request, actor=actor, at=at)
        account = opening.account
        done = "was already open" if opening.is_replay else "is open"
        return Done(
            sentence=f"Account {account.account_number} ({account.id}) {done} "
            f"with {account.format_balance()}.",
            data=account_json(account),
        )
