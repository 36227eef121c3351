"""Second factors: added, removed and reset with an entry each; checked, and used up, once.

Which factors a person has stands on their own record, by name: ``authenticator app`` and
``passkey Laptop``. What they are checked against stands in a ``FactorRecord`` of the same name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from audit.context import Actor
from backoffice.staff import doings, lockout, managing, refusals, services
from backoffice.staff import second_factor_codes as codes
from backoffice.staff import second_factor_passkeys as passkeys
from backoffice.staff.records import FactorRecord, SignInAttempts, StaffRecord
from backoffice.staff.second_factor_passkeys import Place
from dynamodb.errors import UnreadableRecordError
from dynamodb.pages import Query, read_page
from dynamodb.transactions import Transaction

APP = "authenticator app"
RECOVERY = "recovery"
_PASSKEY = "passkey "
MAX_PASSKEYS = 10
_TOO_LATE = "This took too long. Begin again with the code shown now."


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What somebody shows to be who they are: a code, or a passkey's answer to a challenge."""

    code: str = ""
    passkey: str = ""
    challenge: str = ""
    place: Place


def factors_of(record: StaffRecord) -> dict[str, FactorRecord]:
    """What a person's factors are checked against, by name; recovery codes among them."""
    named = record.factors or []
    if not named:
        return {}
    query = Query(model=FactorRecord, partition=record.username)
    rows = read_page([query], person=record.username, rows=2 * MAX_PASSKEYS).rows
    return {row.factor: row for row in rows if row.factor in (*named, RECOVERY)}


def passkeys_among(kept: Mapping[str, FactorRecord]) -> list[FactorRecord]:
    return [row for name, row in kept.items() if name.startswith(_PASSKEY)]


def new_sealed_seed(username: str) -> str:
    """A seed to be shown, sealed for the way to the browser and back."""
    return codes.seal(codes.new_seed(), username, settings.MFA_SEED_KEYS)


def shown_seed(username: str, sealed: str) -> str:
    """The seed of an enrolment that has just been begun; else ``SeedUnreadableError``."""
    keys = settings.MFA_SEED_KEYS
    return codes.unseal(sealed, username, keys, max_age=codes.ENROLMENT)


def add_app(*, username: str, sealed: str, code: str, actor: Actor, at: datetime) -> list[str]:
    """Add an authenticator app, or put another in its place, by its first code.

    Returns recovery codes where the person had none yet. Raises ``WrongCode``.
    """
    try:
        step = codes.matching_step(shown_seed(username, sealed), code, at, after=0)
    except codes.SeedUnreadableError as error:
        raise refusals.WrongCode(_TOO_LATE) from error
    if step is None:
        raise refusals.WrongCode
    return _add(username, APP, {"sealed_seed": sealed, "last_step": step}, actor, at)


def add_passkey(
    *, username: str, name: str, answer: Answer, actor: Actor, at: datetime
) -> list[str]:
    """Add a passkey. Raises ``FactorTaken`` and ``WrongCode``; returns as ``add_app`` does."""
    kept = services.find_staff(username).factors or []
    if f"{_PASSKEY}{name}" in kept or len(kept) > MAX_PASSKEYS:
        raise refusals.FactorTaken
    values = passkeys.new_passkey(answer.place, answer.challenge, answer.passkey)
    return _add(username, f"{_PASSKEY}{name}", values, actor, at)


def renew_recovery_codes(*, username: str, actor: Actor, at: datetime) -> list[str]:
    """Recovery codes in place of all that were left."""
    record = services.find_staff(username)
    if not record.factors:
        raise refusals.NoChange("There is no second factor to recover yet.")
    shown = codes.new_recovery_codes()
    event = services.staff_event(username, "staff.recovery_codes_renewed", actor)
    known = {RECOVERY: factors_of(record).get(RECOVERY)}

    def also(tx: Transaction, known: dict[str, Any]) -> None:
        _keep(tx, username, RECOVERY, _hashed(shown, username), known[RECOVERY])

    services.change_staff(username, lambda _: {}, event, at=at, also=also, known=known)
    return shown


def remove(*, username: str, factor: str, actor: Actor, at: datetime) -> StaffRecord:
    """Take one of one's own factors away. Raises ``LastFactor``: that one is reset by another."""

    def decide(record: StaffRecord) -> dict[str, Any]:
        left = [name for name in record.factors or () if name != factor]
        if not left:
            raise refusals.LastFactor
        return {"factors": left}

    event = services.staff_event(username, "staff.second_factor_removed", actor)
    return services.change_staff(username, decide, event, at=at)


def reset(*, username: str, reason: str, actor: Actor, at: datetime) -> StaffRecord:
    """Take all factors of another person away, which ends their sessions."""

    def decide(record: StaffRecord) -> dict[str, Any]:
        if not record.factors:
            raise refusals.NoChange(f"{username} has no second factor.")
        return {"factors": None, **managing.ended_sessions(record)}

    return managing.manage(username, decide, "staff.second_factor_reset", reason, actor, at)


def prove(record: StaffRecord, answer: Answer, *, purpose: str, at: datetime) -> None:
    """Accept what a person shows, once, and note it; raises ``WrongCode``, which is noted too.

    An attempt counts before it is looked at, together with passwords tried under the same name.

    The entry and the use are one commit: of two uses of one code at the same moment one is late,
    finds the record moved, and is refused.
    """
    tried = lockout.count_one(record.username, at)
    try:
        _use(record, answer, purpose, tried, at)
    except refusals.WrongCode:
        doings.proof_refused(record.username, purpose, tried=tried, at=at)
        raise


def _use(
    record: StaffRecord, answer: Answer, purpose: str, tried: SignInAttempts, at: datetime
) -> None:
    if lockout.is_too_many(tried):
        raise refusals.WrongCode
    used, changes = _checked(record, answer, at)
    known: dict[str, Any] = {"factor": used}

    def spend(tx: Transaction) -> None:
        if known["factor"].version != used.version:
            raise refusals.WrongCode
        tx.update("factor", used, {**changes, "last_used_at": at})
        tx.delete("attempts", lockout.of_name(record.username))

    doings.proved(record.username, purpose, used.factor, at=at, known=known, add=spend)


def _checked(
    record: StaffRecord, answer: Answer, at: datetime
) -> tuple[FactorRecord, dict[str, Any]]:
    """The factor that an answer is right for, and what its use changes; raises ``WrongCode``."""
    kept = factors_of(record)
    if answer.passkey:
        return _passkey_used(kept, answer)
    code = "".join(answer.code.split())
    if code.isascii() and code.isdecimal() and APP in kept:
        return _app_code_used(kept[APP], code, at)
    if RECOVERY in kept:
        return _recovery_code_used(kept[RECOVERY], code)
    raise refusals.WrongCode


def _passkey_used(
    kept: Mapping[str, FactorRecord], answer: Answer
) -> tuple[FactorRecord, dict[str, Any]]:
    claimed = passkeys.credential_id(answer.passkey)
    for factor in kept.values():
        if claimed and factor.credential_id == claimed:
            count = passkeys.new_sign_count(answer.place, answer.challenge, answer.passkey, factor)
            return factor, {"sign_count": count}
    raise refusals.WrongCode


def _app_code_used(
    factor: FactorRecord, code: str, at: datetime
) -> tuple[FactorRecord, dict[str, Any]]:
    keys = settings.MFA_SEED_KEYS
    try:
        seed = codes.unseal(factor.sealed_seed or "", factor.username, keys)
    except codes.SeedUnreadableError as error:
        message = f"No key of MFA_SEED_KEY opens the seed of {factor.username}."
        raise UnreadableRecordError(message) from error
    step = codes.matching_step(seed, code, at, after=factor.last_step)
    if step is None:
        raise refusals.WrongCode
    return factor, {"last_step": step, "sealed_seed": codes.seal(seed, factor.username, keys)}


def _recovery_code_used(factor: FactorRecord, code: str) -> tuple[FactorRecord, dict[str, Any]]:
    hashes = factor.code_hashes or []
    used = codes.recovery_hash(code, factor.username)
    if used not in hashes:
        raise refusals.WrongCode
    return factor, {"code_hashes": [each for each in hashes if each != used]}


def _add(
    username: str, factor: str, values: dict[str, Any], actor: Actor, at: datetime
) -> list[str]:
    """Keep a factor and name it on the person's record, in one commit.

    The first one ends the sessions that were begun without any.
    """
    record = services.find_staff(username)
    shown = [] if record.factors else codes.new_recovery_codes()
    query = Query(model=FactorRecord, partition=username)
    rows = {row.factor: row for row in read_page([query], person=username).rows}
    known = {factor: rows.get(factor), RECOVERY: rows.get(RECOVERY)}

    def also(tx: Transaction, known: dict[str, Any]) -> None:
        _keep(tx, username, factor, values, known[factor])
        if shown:
            _keep(tx, username, RECOVERY, _hashed(shown, username), known[RECOVERY])

    def decide(record: StaffRecord) -> dict[str, Any]:
        before = record.factors or []
        changes = {"factors": sorted({*before, factor})}
        return changes if before else {**changes, **managing.ended_sessions(record)}

    event = services.staff_event(username, "staff.second_factor_added", actor)
    services.change_staff(username, decide, event, at=at, also=also, known=known)
    return shown


def _keep(
    tx: Transaction,
    username: str,
    factor: str,
    values: dict[str, Any],
    before: FactorRecord | None,
) -> None:
    if before is None:
        tx.put_new(factor, FactorRecord(username=username, factor=factor, **values))
    else:
        tx.update(factor, before, values)


def _hashed(shown: list[str], username: str) -> dict[str, Any]:
    return {"code_hashes": [codes.recovery_hash(code, username) for code in shown]}
