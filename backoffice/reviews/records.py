"""The daily review as it is kept: a day, and what there was to look at in it."""

from enum import StrEnum
from typing import ClassVar

from audit.models import Chained
from dynamodb.attributes import EnumAttribute, TextAttribute, TimeAttribute, WholeNumberAttribute
from dynamodb.models import Record, VersionedRecord


class Kind(StrEnum):
    """What a reviewer looks at, in the order of the page [PCI DSS 10.4.1, 10.4.1.1]."""

    MONEY_ALERT = "money_alert"
    ADMIN_ACT = "admin_act"
    ROLE_CHANGE = "role_change"
    UNLOCK = "unlock"
    FAILED_SIGN_INS = "failed_sign_ins"
    OFF_HOURS = "off_hours"
    FIRST_PAIR = "first_pair"


class Decision(StrEnum):
    TICKED = "ticked"
    NOTED = "noted"
    CASE = "case"


class ReviewStatus(StrEnum):
    OPEN = "open"
    SIGNED = "signed"


class DayReview(Chained):
    """The review of one UTC day. ``digest`` is over all its items as they were signed."""

    class Meta:
        table_name = "reviews"

    chain_prefix: ClassVar[str] = "review:"

    day = TextAttribute(hash_key=True)
    status = EnumAttribute(ReviewStatus)
    items = WholeNumberAttribute(default=0)
    open_items = WholeNumberAttribute(default=0)
    signed_by = TextAttribute(null=True)
    signed_at = TimeAttribute(null=True)
    digest = TextAttribute(null=True)


class ReviewItem(VersionedRecord):
    """Something of a day to be ticked, noted or made a case.

    ``item_id`` sorts by kind. ``subject`` is the entity it is about, ``reference`` an entry or
    payment that it was seen in first, ``occurrences`` how often it was.
    """

    class Meta:
        table_name = "review_items"

    day = TextAttribute(hash_key=True)
    item_id = TextAttribute(range_key=True)
    kind = EnumAttribute(Kind)
    subject = TextAttribute()
    words = TextAttribute()
    user_id = TextAttribute(null=True)
    reference = TextAttribute(null=True)
    occurrences = WholeNumberAttribute(default=1)
    decision = EnumAttribute(Decision, null=True)
    note = TextAttribute(null=True)
    decided_by = TextAttribute(null=True)
    decided_at = TimeAttribute(null=True)
    case_id = TextAttribute(null=True)


class AccountPair(Record):
    """The first payment between two accounts; put once, so that a later one is no first."""

    class Meta:
        table_name = "account_pairs"

    pair = TextAttribute(hash_key=True)
    payment_id = TextAttribute()
