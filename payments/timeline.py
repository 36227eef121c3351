"""What happened to an account: its own entries, payments asked for, and who looked at it."""

from dataclasses import dataclass

from audit.models import AuditLog
from dynamodb import store
from dynamodb.merged import Strand, read_merged
from dynamodb.pages import Page, Query
from payments import directory
from payments.identifiers import is_payment_id
from payments.models import Account, Payment

ROWS = 50


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A page of entries and payments in order of time, and the payments that entries name."""

    account: Account
    page: Page[AuditLog | Payment]
    named: dict[str, Payment]


def account_timeline(
    account: Account, *, with_views: bool, person: str, cursor: str = ""
) -> Timeline:
    """A page of an account's time line, newest first, in at most four requests.

    Of the account its key and owner are used; it is read along with the payments.
    """

    def is_of_account(payment: Payment) -> bool:
        return account.id in (payment.from_account_id, payment.to_account_id)

    paid = Query(model=Payment, index="customer-index", partition=account.customer_id)
    chains = [account.id, f"views:{account.id}"][: 1 + with_views]
    strands = [Strand(query=Query(model=AuditLog, partition=chain)) for chain in chains]
    strands.append(Strand(query=paid, keep=is_of_account, kept_by=account.id))
    page = read_merged(strands, person=person, cursor=cursor, rows=ROWS)
    named = {row.reference or "" for row in page.rows if isinstance(row, AuditLog)}
    keys = [directory.payment_key(each) for each in sorted(filter(is_payment_id, named))]
    whole, *found = store.get_many([account, *keys])
    payments = {each.id: each for each in found if each is not None}
    return Timeline(account=whole, page=page, named=payments)
