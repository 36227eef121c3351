"""`manage.py open_account`: open an account, with money from the clearing account if asked."""

from argparse import ArgumentParser

from backoffice.management.base import Call, Done, OperatorCommand
from backoffice.permissions import Permission
from payments.accounts import open_account
from payments.money import format_amount, parse_amount
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

    def act(self, call: Call) -> Done:
        request = OpeningRequest(
            request_id=self.request_id(call),
            customer_id=call["customer_id"],
            account_type=call["account_type"],
            currency=call["currency"],
            opening_balance_minor=parse_amount(call["opening_balance"], call["currency"]),
        )
        opening = open_account(request, actor=call.actor, at=call.at)
        account = opening.account
        done = "was already open" if opening.is_replay else "is open"
        sentence = (
            f"Account {account.account_number} ({account.id}) {done} "
            f"with {account.format_balance()}."
        )
        if waiting := opening.pending:
            amount = format_amount(waiting.amount, waiting.currency)
            sentence += f" {amount} wait for a supervisor's approval as payment {waiting.id}."
        return Done(sentence=sentence, data=account_json(account))
