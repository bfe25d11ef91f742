"""Whose rows these are: an organization in one of its two environments (billing.md §1.1)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Env(StrEnum):
    """The two environments; their rows never mix."""

    SANDBOX = "sandbox"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization in one environment. Every tenant-owned row carries its `key`."""

    organization_id: str
    env: Env

    @property
    def key(self) -> str:
        """The value of the `tenant` column."""
        return f"{self.organization_id}:{self.env}"

    @classmethod
    def from_key(cls, key: str) -> Self:
        """The tenant of a stored `tenant` column."""
        organization_id, env = key.rsplit(":", 1)
        return cls(organization_id, Env(env))
