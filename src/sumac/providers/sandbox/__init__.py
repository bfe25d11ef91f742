"""A small bank in our own process: cards, charges, hosted pages, without an account or a network (payments.md §4.7)."""

from sumac.providers.sandbox.bank import SandboxBank

__all__ = ["SandboxBank"]
