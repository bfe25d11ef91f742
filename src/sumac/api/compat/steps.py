"""The older contracts, newest first, and the operations that each is served for.

An operation is served at a version when every step from there to the newest one has it. Others are refused: an answer
of the newest contract would be read wrongly by somebody who asked for an older one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sumac.api.compat.catalog import PUSHED_FROM_2_2
from sumac.api.compat.pairs import SAME, Pair
from sumac.api.compat.plans import LISTED_BEFORE_2_2

Version = tuple[int, ...]
VERBS = ("create", "delete", "get", "list", "update")
UNCHANGED = dict.fromkeys(
    (
        *(f"{noun}.{verb}" for noun in ("features", "plans", "referral_programs", "rewards") for verb in VERBS),
        "organization.get",
        "referrals.create_code",
        "referrals.redeem_code",
    ),
    SAME,
)


@dataclass(frozen=True, slots=True)
class Step:
    """How the operations of a version are told in the next newer one."""

    version: Version
    pairs: Mapping[str, Pair]


STEPS = (
    Step((2, 2, 0), {**UNCHANGED, "catalog.preview_update": PUSHED_FROM_2_2, "catalog.update": PUSHED_FROM_2_2}),
    Step((2, 1, 0), {**UNCHANGED, "plans.list": LISTED_BEFORE_2_2}),
)
NEWEST: Version = (2, 3, 0)
OLDER = tuple(step.version for step in STEPS)


def find_pairs(operation: str, version: Version) -> tuple[Pair, ...] | None:
    """The pairs from the version to the newest one, oldest first; None where the operation is not served at it."""
    found: tuple[Pair, ...] = ()
    for step in STEPS:
        if step.version < version:
            break
        pair = step.pairs.get(operation)
        if pair is None:
            return None
        found = (pair, *found)
    return found
