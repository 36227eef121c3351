"""What the words and states on the pages mean, and how each role begins: what help.toml says."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.utils.text import slugify

from backoffice.permissions import Permission
from backoffice.wording import table

_HELP = table("help")


@dataclass(frozen=True, kw_only=True)
class Term:
    """A word as it stands on the pages; its anchor in the help is made of it."""

    name: str
    about: str

    @property
    def anchor(self) -> str:
        return slugify(self.name)


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """Terms of one subject, for whoever has the permission."""

    name: str
    terms: list[Term]
    permission: Permission


_CHAPTERS = [
    Chapter(
        name=chapter["name"],
        permission=Permission(chapter.get("permission", Permission.USE_DASHBOARD)),
        terms=[Term(name=name, about=about) for name, about in chapter["terms"].items()],
    )
    for chapter in _HELP["chapter"]
]


def chapters(may: Collection[str]) -> list[Chapter]:
    return [chapter for chapter in _CHAPTERS if chapter.permission in may]


def guides(roles: Collection[str]) -> list[dict[str, Any]]:
    """What each of the roles may do, and its first steps: sentences with the page of each."""
    return [guide for guide in _HELP["guide"] if guide["role"] in roles]
