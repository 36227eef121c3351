"""Reading staff."""

import re
import unicodedata
from collections.abc import Iterator

from backoffice.staff.records import EVERYBODY, StaffRecord
from dynamodb import store
from dynamodb.client import call
from dynamodb.pages import PAGE_ROWS, Page, Query, all_rows, read_page

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


def list_staff(*, person: str, cursor: str = "", rows: int = PAGE_ROWS) -> Page[StaffRecord]:
    """A page of all staff, the disabled too, by name. Whoever was just added may be missing."""
    query = Query(
        model=StaffRecord,
        index="staff-index",
        partition=EVERYBODY,
        newest_first=False,
        hydrate=True,
    )
    return read_page([query], person=person, cursor=cursor, rows=rows)


def everybody() -> Iterator[StaffRecord]:
    """All staff by name, as ``list_staff``, page after page."""
    return all_rows(lambda cursor: list_staff(person="", cursor=cursor))


def is_anybody_there() -> bool:
    """Whether there is any member of staff. Looks at one record, for commands only."""
    answer = call("Scan", TableName=StaffRecord.table_name(), Limit=1, ConsistentRead=True)
    return bool(answer["Items"])
