import hashlib
from typing import Any

import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.chain import canonical_json, entry_hash
from audit.verify_pack import canonical
from dynamodb.attributes import plain

names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=10)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
leaves = texts | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1)
values = st.dictionaries(names, leaves | st.lists(texts) | st.dictionaries(names, leaves))


@given(values)
def test_canonical_json_is_that_of_rfc_8785(told: dict[str, object]) -> None:
    assert canonical_json(told) == rfc8785.dumps(told)  # type: ignore[arg-type]  # its own recursive type


numbers = st.integers(-(10**38), 10**38).map(str) | st.decimals(allow_nan=False).map(str)
stored = st.recursive(
    st.builds(lambda text: {"S": text}, st.text(st.characters(exclude_categories=["Cs"])))
    | st.builds(lambda number: {"N": number}, numbers)
    | st.builds(lambda flag: {"BOOL": flag}, st.booleans())
    | st.just({"NULL": True}),
    lambda some: (
        st.builds(lambda items: {"L": items}, st.lists(some))
        | st.builds(
            lambda items: {"M": items}, st.dictionaries(st.text("aZ_\u00e9\uffff\U00010000"), some)
        )
    ),
)


@settings(max_examples=30)
@given(st.dictionaries(names, stored))
def test_entries_of_all_years_hash_to_the_same(item: dict[str, Any]) -> None:
    """The first ones were written by ``json``, as the checker of a pack does to this day."""
    told = {name: plain(typed) for name, typed in item.items()}
    assert canonical_json(told) == canonical(told)


AN_ITEM = {
    "entity_id": {"S": "acc_1"},
    "seq": {"N": "3"},
    "new_values": {"M": {"balance": {"N": "5"}}},
    "changes": {"L": [{"S": "balance"}]},
}


def test_the_hash_is_sha_256_over_what_the_entry_says() -> None:
    text = b'{"changes":["balance"],"entity_id":"acc_1","new_values":{"balance":5},"seq":3}'
    assert entry_hash(AN_ITEM) == hashlib.sha256(text).hexdigest()


def test_index_keys_may_change_and_nothing_else() -> None:
    spread = {**AN_ITEM, "action_key": {"S": "x#07"}, "day_key": {"S": "y"}, "hash": {"S": "z"}}
    assert entry_hash(spread) == entry_hash(AN_ITEM)
    assert entry_hash({**AN_ITEM, "extra": {"S": ""}}) != entry_hash(AN_ITEM)
    assert entry_hash({**AN_ITEM, "seq": {"N": "4"}}) != entry_hash(AN_ITEM)
