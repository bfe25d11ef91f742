"""What a key or a role may do (api.md §1.2, dashboard.md §2.8)."""

from collections.abc import Collection

from sumac.organizations.model import RESOURCES, Role

EVERYTHING = frozenset({"admin"})
READ_ALL = frozenset(f"{resource}:read" for resource in RESOURCES)
WRITE_ALL = frozenset(f"{resource}:write" for resource in RESOURCES)
ROLE_SCOPES = {
    Role.OWNER: EVERYTHING,
    Role.ADMIN: EVERYTHING,
    Role.DEVELOPER: READ_ALL | WRITE_ALL - {"organisation:write"},
    Role.SALES: frozenset(
        {
            "customers:write",
            "billing:write",
            "rewards:write",
            "balances:write",
            "plans:read",
            "features:read",
            "analytics:read",
        },
    ),
    Role.MEMBER: READ_ALL,
}


def is_permitted(scopes: Collection[str], needed: str) -> bool:
    """Whether scopes cover the needed one: none at all means everything, writing implies reading."""
    if not scopes or "admin" in scopes or needed in scopes:
        return True
    resource, _, action = needed.partition(":")
    return action == "read" and f"{resource}:write" in scopes
