"""Checks of the whole store, in a house where somebody has looked at everything."""

import pytest
from django.test import Client

from audit.verification import Verification, verify_trail
from backoffice.permissions import Role
from dynamodb import scans
from payments.reconciliation.run import Run, reconcile
from tests.backoffice.world import a_world


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.COMPLIANCE])
def test_a_house_in_use_reconciles_and_verifies(
    moto_store: None, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    monkeypatch.setattr(scans, "SEGMENTS", 1)
    world, client = a_world(role), Client()
    world.sign_in(client)
    seen = [client.get(place.url).status_code for place in world.places()]
    assert seen.count(200) > 40
    assert reconcile(Run()).report["faults"] == []
    assert not verify_trail(Verification()).faults
