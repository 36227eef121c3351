"""Reading what a page says."""

import re
from html import unescape
from typing import Any

from django.test import Client


def text(answer: Any) -> str:
    page: bytes = answer.content
    return page.decode()


def hidden(answer: Any, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'type="hidden" name="{name}"(?: value="([^"]*)")?', text(answer))
    assert found is not None, f"There is no {name}."
    return unescape(found[1] or "")


def errors(answer: Any) -> dict[str, list[str]]:
    """Sentences by the field they stand next to; those above all fields under ``""``."""
    found: dict[str, list[str]] = {}
    for attributes, items in re.findall(
        r'<ul class="errorlist([^>]*)>(.*?)</ul>', text(answer), re.DOTALL
    ):
        field = re.search(r'id="id_(\w+)_error"', attributes)
        sentences = re.findall(r"<li>(.*?)</li>", items)
        found[field[1] if field else ""] = [unescape(sentence) for sentence in sentences]
    return found


def fresh(client: Client, address: str, name: str) -> str:
    """The hidden id of a form that is opened now."""
    return hidden(client.get(address), name)
