"""What every form does: errors above all with the way to their fields, currencies at amounts."""

import re
from html import unescape

import pytest

from backoffice.forms import fields
from backoffice.permissions import Role
from tests.backoffice.conftest import SignIn
from tests.backoffice.pages import errors, text
from tests.builders import opened


@pytest.mark.parametrize(
    ("address", "role"),
    [
        ("/admin/transfers/new/", Role.TELLER),
        ("/admin/accounts/new/", Role.TELLER),
        ("/admin/bulk/", Role.TELLER),
        ("/admin/holds/new/", Role.COMPLIANCE),
    ],
)
def test_errors_are_summed_up_above_with_links_to_their_fields(
    signed_in: SignIn, address: str, role: Role
) -> None:
    client = signed_in(role)
    assert "errornote" not in text(client.get(address))
    answer = client.post(address, {})
    page = unescape(text(answer))
    summary = page.partition('<div class="errornote" role="alert">')[2].partition("</div>")[0]
    told = dict(re.findall(r'<a href="#id_(\w+)">[^<]+</a>: (.+)', summary))
    beside = {field: " ".join(each) for field, each in errors(answer).items() if field}
    assert told == beside
    assert told
    for field in told:
        assert re.search(rf'<[^>]*id="id_{field}"[^>]*aria-invalid="true"', page) or re.search(
            rf'<[^>]*aria-invalid="true"[^>]*id="id_{field}"', page
        )
    assert 'data-unsaved="yes"' in page


def test_amounts_name_their_currency_and_its_decimals(signed_in: SignIn) -> None:
    client = signed_in(Role.SUPERVISOR)
    chosen = text(client.get("/admin/transfers/new/"))
    decimals = dict(re.findall(r'<option value="(\w+)" data-decimals="(\d)"', chosen))
    assert (decimals["JPY"], decimals["USD"], decimals["KWD"]) == ("0", "2", "3")
    assert chosen.count("data-unit") == 1
    yen = opened("yen", currency="JPY")
    fixed = text(client.get(f"/admin/accounts/{yen.id}/edit/"))
    assert fixed.count('<span class="unit" data-unit>JPY</span>') == 2
    assert fixed.count('placeholder="0"') == 2


def test_options_are_not_remembered_for_what_somebody_types() -> None:
    widget = fields.CurrencyField().widget
    none = widget.render("currency", "")
    known = fields._options.cache_info().misses
    assert [widget.render("currency", typed) for typed in ("zzz", "x" * 500, None)] == [none] * 3
    assert fields._options.cache_info().misses == known
