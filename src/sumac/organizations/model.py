"""Who bills through us and who may act for them (api.md §1.2)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sumac.core.tenant import Env

RESOURCES = (
    "organisation", "customers", "features", "plans", "rewards", "balances", "billing", "migrations", "analytics",
    "apiKeys", "platform",
)  # fmt: skip
KEY_PREFIXES = {Env.SANDBOX: "am_sk_test_", Env.LIVE: "am_sk_live_"}
SHOWN_KEY_LENGTH = 14
DEFAULT_CURRENCY = "usd"


class Role(StrEnum):
    """What a member may do (dashboard.md §2.8)."""

    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    SALES = "sales"
    MEMBER = "member"


class SignInPurpose(StrEnum):
    """How somebody proves to be a member: a code sent by e-mail, or a one-time link."""

    CODE = "code"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Organization:
    """A company that bills through us; its prices are in `default_currency` unless they say otherwise."""

    id: str
    slug: str
    name: str
    created_at: datetime
    default_currency: str = DEFAULT_CURRENCY


@dataclass(frozen=True, slots=True)
class Member:
    """A person who may sign in for an organization."""

    id: str
    organization_id: str
    email: str
    name: str | None
    role: Role


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A secret key: only its first characters and its digest are kept. No scopes means every scope."""

    id: str
    organization_id: str
    env: Env
    name: str
    prefix: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """A signed-in member with the organization."""

    member: Member
    organization: Organization
