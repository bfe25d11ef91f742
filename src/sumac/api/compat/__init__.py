"""Older contracts, told in the newest one at the door (docs/decisions/0007)."""
