"""Reading staff."""

import re
import unicodedata

from backoffice.staff.records import StaffRecord
from dynamodb import store
from dynamodb.client import call

USERNAME_LENGTH = 40
_USERNAME = re.compile(rf"[a-z][a-z0-9._-]{{0,{USERNAME_LENGTH - 1}}}", re.ASCII)


def as_username(typed: str) -> str:
    """A typed name as it is stored, small letters; empty where it can be nobody's."""
    name = unicodedata.normalize("NFKC", typed).strip().lower()
    return name if _USERNAME.fullmatch(name) else ""


def find(typed: str) -> StaffRecord | None:
    """One member of staff, read consistently."""
    username = as_username(typed)
    return store.get(StaffRecord(username=username)) if username else None


def is_anybody_there() -> bool:
    """Whether there is any member of staff. Looks at one record, for commands only."""
    answer = call("Scan", TableName=StaffRecord.table_name(), Limit=1, ConsistentRead=True)
    return bool(answer["Items"])
