"""Second factors as they are kept, checked and used up."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from audit.context import Actor
from backoffice.permissions import Role
from backoffice.staff import queries, refusals, second_factor
from backoffice.staff import second_factor_codes as codes
from backoffice.staff.records import FactorRecord, StaffRecord
from backoffice.staff.refusals import WrongCode
from backoffice.staff.second_factor import Answer
from backoffice.staff.second_factor_passkeys import Place
from dynamodb.errors import UnreadableRecordError
from dynamodb.scans import scan_pages
from dynamodb.tables import all_records
from payments import policy
from tests.backoffice.factors import code_for, with_app
from tests.backoffice.people import a_member, chain

NOW = datetime(2026, 5, 4, 12, 0, 10, tzinfo=UTC)
LATER = NOW + timedelta(minutes=31)
HERE = Place(origin="http://localhost", host="localhost")
SOMEONE = Actor(id="someone")


def record() -> StaffRecord:
    found = queries.find("someone")
    assert found is not None
    return found


def prove(code: str = "", at: datetime = NOW, passkey: str = "") -> None:
    answer = Answer(code=code, passkey=passkey, challenge="AAAA", place=HERE)
    second_factor.prove(record(), answer, purpose="a test", at=at)


@pytest.fixture
def seed(moto_store: None) -> str:
    a_member()
    return with_app("someone", NOW - timedelta(minutes=5))[0]


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_code_of_now_and_one_step_beside_is_accepted(seed: str, steps: int) -> None:
    prove(code_for(seed, NOW, steps))
    assert chain("person:someone")[0].new_values == {
        "purpose": "a test",
        "factor": "authenticator app",
    }


@pytest.mark.parametrize("steps", [-2, 2])
def test_a_code_further_off_is_refused_and_noted(seed: str, steps: int) -> None:
    with pytest.raises(WrongCode):
        prove(code_for(seed, NOW, steps))
    entry = chain("person:someone")[0]
    assert (entry.action, entry.outcome) == ("person.proof_refused", "failure")


def test_a_code_is_used_once_and_none_before_it_after(seed: str) -> None:
    prove(code_for(seed, NOW))
    for steps in (0, -1):
        with pytest.raises(WrongCode):
            prove(code_for(seed, NOW, steps))
    prove(code_for(seed, NOW, 1))


def test_the_code_that_adds_an_app_does_not_sign_in_too(moto_store: None) -> None:
    a_member()
    seed, _ = with_app("someone", NOW)
    with pytest.raises(WrongCode):
        prove(code_for(seed, NOW, -1))


@pytest.mark.integration
def test_of_two_uses_of_a_code_at_once_one_wins(local_store: None) -> None:
    policy.configure(replace(policy.policy(), max_failed_attempts=100))
    a_member()
    seed, recovery = with_app("someone", NOW - timedelta(minutes=5))
    for code in (code_for(seed, NOW), recovery[0]):
        together = threading.Barrier(6)
        with ThreadPoolExecutor(6) as pool:
            won = list(pool.map(partial(_wins, code, together), range(6)))
        assert sorted(won) == [False] * 5 + [True]


def _wins(code: str, together: threading.Barrier, _: int) -> bool:
    person = record()
    together.wait()
    try:
        second_factor.prove(person, Answer(code=code, place=HERE), purpose="a race", at=NOW)
    except WrongCode:
        return False
    return True


def test_a_recovery_code_works_once_however_it_is_typed(moto_store: None) -> None:
    a_member()
    _, recovery = with_app("someone", NOW)
    assert len(set(recovery)) == 10
    prove(recovery[3].upper().replace("-", " "))
    with pytest.raises(WrongCode):
        prove(recovery[3])
    prove(recovery[4])
    assert second_factor.factors_of(record())["recovery"].code_hashes is not None
    assert len(second_factor.factors_of(record())["recovery"].code_hashes or []) == 8


def test_new_recovery_codes_end_the_old_ones(moto_store: None) -> None:
    a_member()
    _, old = with_app("someone", NOW)
    new = second_factor.renew_recovery_codes(username="someone", actor=SOMEONE, at=NOW)
    with pytest.raises(WrongCode):
        prove(old[0])
    prove(new[0])
    assert chain("staff:someone")[0].action == "staff.recovery_codes_renewed"


@pytest.mark.parametrize("code", ["", "abc", "٣٤٥٦٧٨", "0" * 64, "💶" * 6, "123456 123456"])
def test_nonsense_is_refused(seed: str, code: str) -> None:
    with pytest.raises(WrongCode):
        prove(code)


@pytest.mark.parametrize(
    "answer",
    ["{", "[]", "null", '{"id": 1}', '{"id": "💶"}', "[" * 10_000, '{"id": "AAAA"}'],
)
def test_a_passkey_that_nobody_has_is_refused(seed: str, answer: str) -> None:
    with pytest.raises(WrongCode):
        prove(passkey=answer)
    with pytest.raises(WrongCode):
        second_factor.add_passkey(
            username="someone",
            name="Laptop",
            answer=Answer(passkey=answer, challenge="AAAA", place=HERE),
            actor=SOMEONE,
            at=NOW,
        )


def test_a_passkey_answer_of_the_wrong_shape_is_refused(seed: str) -> None:
    key = FactorRecord(
        username="someone", factor="passkey Laptop", credential_id="AAAA", public_key="AAAA"
    )
    parts = {"clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA"}
    shown = json.dumps({"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": parts})
    answer = Answer(passkey=shown, challenge="AAAA", place=HERE)
    with pytest.raises(WrongCode):
        second_factor._passkey_used({"passkey Laptop": key}, answer)


def test_the_seed_is_encrypted_and_its_key_can_be_rotated(seed: str, settings: Settings) -> None:
    kept = second_factor.factors_of(record())["authenticator app"]
    assert seed not in str(kept.serialize())
    settings.MFA_SEED_KEYS = ["the new key", *settings.MFA_SEED_KEYS]
    prove(code_for(seed, NOW))
    settings.MFA_SEED_KEYS = ["the new key"]
    prove(code_for(seed, NOW, 1))
    settings.MFA_SEED_KEYS = ["a key that has never been one"]
    with pytest.raises(UnreadableRecordError, match="MFA_SEED_KEY"):
        prove(code_for(seed, NOW, 2), at=NOW + timedelta(minutes=1))


def test_a_seed_is_sealed_for_one_person_and_for_a_while() -> None:
    with time_machine.travel(NOW):
        sealed = codes.seal("JBSWY3DPEHPK3PXP", "someone", ["key"])
        assert codes.unseal(sealed, "someone", ["key"]) == "JBSWY3DPEHPK3PXP"
        with pytest.raises(codes.SeedUnreadableError):
            codes.unseal(sealed, "another", ["key"])
    with time_machine.travel(NOW + timedelta(minutes=16)), pytest.raises(codes.SeedUnreadableError):
        codes.unseal(sealed, "someone", ["key"], max_age=codes.ENROLMENT)


def test_the_last_factor_is_taken_away_by_another_only(seed: str) -> None:
    a_member(username="admin1", roles=[Role.ADMIN])
    with pytest.raises(refusals.LastFactor):
        second_factor.remove(username="someone", factor="authenticator app", actor=SOMEONE, at=NOW)
    with pytest.raises(refusals.Oneself):
        second_factor.reset(username="someone", reason="Lost it", actor=SOMEONE, at=NOW)
    epoch = record().session_epoch
    second_factor.reset(username="someone", reason="Lost it", actor=Actor(id="admin1"), at=NOW)
    assert record().session_epoch == epoch + 1
    entry = chain("staff:someone")[0]
    assert (entry.action, entry.user_id) == ("staff.second_factor_reset", "admin1")
    assert entry.old_values == {"factors": ["authenticator app"]}
    for code in (code_for(seed, NOW), code_for(seed, NOW, 1)):
        with pytest.raises(WrongCode):
            prove(code)


def test_an_app_that_was_removed_is_of_no_use(seed: str) -> None:
    second_factor._add("someone", "passkey Laptop", {"credential_id": "AAAA"}, SOMEONE, NOW)
    app = "authenticator app"
    after = second_factor.remove(username="someone", factor=app, actor=SOMEONE, at=NOW)
    assert after.factors == ["passkey Laptop"]
    with pytest.raises(WrongCode):
        prove(code_for(seed, NOW))


def test_what_is_left_of_a_factor_that_was_reset_is_of_no_use(moto_store: None) -> None:
    a_member()
    old_seed, old_codes = with_app("someone", NOW)
    second_factor.reset(username="someone", reason="Lost", actor=Actor(id="system:t"), at=NOW)
    seed, _ = with_app("someone", NOW)
    for code in (code_for(old_seed, NOW), old_codes[0]):
        with pytest.raises(WrongCode):
            prove(code)
    prove(code_for(seed, NOW))


def test_no_seed_code_or_hash_stands_anywhere_but_where_it_is_checked(
    moto_store: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    a_member()
    seed, recovery = with_app("someone", NOW)
    prove(code_for(seed, NOW))
    prove(recovery[0])
    with pytest.raises(WrongCode):
        prove(recovery[0])
    kept = {row.factor: row for row in _everything(FactorRecord)}
    sealed, hashes = kept["authenticator app"].sealed_seed, kept["recovery"].code_hashes
    secret = [seed, code_for(seed, NOW), code_for(seed, NOW, -1), *recovery]
    for model in all_records():
        rows = str([row.serialize() for row in _everything(model)])
        found = [each for each in secret if each in rows]
        if model is not FactorRecord:
            found += [each for each in (sealed, *(hashes or ())) if each and each in rows]
        assert found == [], model
    logged = caplog.text
    assert [each for each in (*secret, sealed, *(hashes or ())) if each and each in logged] == []


def _everything(model: type[Any]) -> list[Any]:
    return [model.from_item(item) for items, _ in scan_pages(model) for item in items]


def test_wrong_codes_lock_as_wrong_passwords_do_even_the_right_one(seed: str) -> None:
    for _ in range(3):
        with pytest.raises(WrongCode):
            prove("000000")
    locked = chain("person:someone")[0]
    assert (locked.action, locked.severity) == ("person.locked", "high")
    with pytest.raises(WrongCode):
        prove(code_for(seed, NOW))
    assert (chain("person:someone")[0].new_values or {})["reason"] == "locked"
    prove(code_for(seed, LATER), at=LATER)


def test_a_right_code_forgets_the_wrong_ones_before_it(seed: str) -> None:
    for steps in range(3):
        at = NOW + timedelta(seconds=30 * steps)
        for _ in range(2):
            with pytest.raises(WrongCode):
                prove("000000", at=at)
        prove(code_for(seed, at), at=at)
