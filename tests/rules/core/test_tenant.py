"""Whose rows these are (billing.md §1.1)."""

import pytest

from sumac.core.tenant import Env, Tenant


@pytest.mark.parametrize("organization_id", ["org_1", "org:with:colons"])
@pytest.mark.parametrize("env", list(Env))
def test_there_and_back(organization_id: str, env: Env) -> None:
    """The stored key names the same tenant again."""
    tenant = Tenant(organization_id, env)

    assert f"{organization_id}:{env.value}" == tenant.key
    assert tenant == Tenant.from_key(tenant.key)


def test_environments_are_different_tenants() -> None:
    """Rows of the sandbox and of live never share a key."""
    assert Tenant("org_1", Env.SANDBOX).key != Tenant("org_1", Env.LIVE).key


def test_not_a_key() -> None:
    """A key without a known environment is no tenant."""
    with pytest.raises(ValueError, match="staging"):
        Tenant.from_key("org_1:staging")
