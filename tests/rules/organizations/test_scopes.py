"""What a key or a role may do (api.md §1.2, dashboard.md §2.8)."""

from collections.abc import Sequence

import pytest

from sumac.organizations.model import RESOURCES, Role
from sumac.organizations.rules.scopes import ROLE_SCOPES, is_permitted


@pytest.mark.parametrize(
    ("scopes", "needed", "expected"),
    [
        ([], "plans:write", True),
        (["admin"], "plans:write", True),
        (["plans:write"], "plans:write", True),
        (["plans:write"], "plans:read", True),
        (["plans:read"], "plans:read", True),
        (["plans:read"], "plans:write", False),
        (["customers:write"], "plans:read", False),
        (["billing:read", "plans:write"], "plans:read", True),
    ],
)
def test_scopes(scopes: Sequence[str], needed: str, *, expected: bool) -> None:
    """None at all means everything, writing implies reading, and nothing implies another resource."""
    assert expected is is_permitted(scopes, needed)


@pytest.mark.parametrize("resource", RESOURCES)
def test_members_read_and_owners_do_everything(resource: str) -> None:
    """Every role but sales reads everything; a member writes nothing."""
    assert is_permitted(ROLE_SCOPES[Role.MEMBER], f"{resource}:read")
    assert not is_permitted(ROLE_SCOPES[Role.MEMBER], f"{resource}:write")
    for role in (Role.OWNER, Role.ADMIN):
        assert is_permitted(ROLE_SCOPES[role], f"{resource}:write")


def test_developers_and_sales() -> None:
    """A developer does not change the organization; sales looks after customers, not plans."""
    developer, sales = ROLE_SCOPES[Role.DEVELOPER], ROLE_SCOPES[Role.SALES]

    assert is_permitted(developer, "plans:write")
    assert is_permitted(developer, "organisation:read")
    assert not is_permitted(developer, "organisation:write")
    assert is_permitted(sales, "customers:read")
    assert is_permitted(sales, "billing:write")
    assert is_permitted(sales, "plans:read")
    assert not is_permitted(sales, "plans:write")
