"""`manage.py transfer`: move money between two accounts."""

from argparse import ArgumentParser

from backoffice.management.base import Call, Done, OperatorCommand
from backoffice.permissions import Permission
from payments.money import format_amount, parse_amount
from payments.refusals import Declined
from payments.transfers import Transfer, TransferRequest, new_payment_id, transfer_funds
from payments.wire import payment_json


class Command(OperatorCommand):
    help = "Move money from one account to another; a refusal ends with code 2."
    permission = Permission.RUN_TRANSFERS

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", required=True, dest="source", help="account id or number")
        parser.add_argument("--to", required=True, dest="target", help="account id or number")
        parser.add_argument("--amount", required=True, help="in major units: 1,234.50")
        parser.add_argument("--currency", required=True, help="ISO 4217, such as USD")
        parser.add_argument("--description", default="")
        parser.add_argument(
            "--request-id", default="", help="a name of yours: given again, nothing moves twice"
        )

    def act(self, call: Call) -> Done:
        request = TransferRequest(
            payment_id=new_payment_id(call.at),
            from_account_id=call["source"],
            to_account_id=call["target"],
            amount_minor=parse_amount(call["amount"], call["currency"]),
            currency=call["currency"],
            description=call["description"],
            idempotency_key=self.request_id(call),
        )
        transfer = transfer_funds(request, actor=call.actor, at=call.at)
        payment = transfer.payment
        if payment.failure_code:
            raise Declined(payment.failure_code, payment.failure_reason or "")
        return Done(sentence=_told(transfer), data=payment_json(payment))


def _told(transfer: Transfer) -> str:
    payment = transfer.payment
    amount = format_amount(payment.amount, payment.currency)
    if payment.can_cancel():
        return f"{amount} waits for a supervisor's approval as payment {payment.id}."
    done = "had already moved" if transfer.is_replay else "moved"
    return f"{amount} {done} as payment {payment.id}."
