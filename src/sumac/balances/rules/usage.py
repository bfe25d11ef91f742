"""What counted usage takes, for one feature or for several at once (billing.md §5.1, §5.8)."""

from collections.abc import Sequence

from sumac.balances.model import Grant, OverageBehavior, SeatChange, TrackRequest
from sumac.balances.rules.deduct import Taken, compute_deduction, compute_sources
from sumac.catalog.model import Feature
from sumac.core.errors import BadRequest
from sumac.core.quantity import rounded


def compute_usage(
    grants: Sequence[Grant], tracked: Sequence[Feature], features: Sequence[Feature], request: TrackRequest
) -> tuple[list[tuple[Taken, ...]], tuple[SeatChange, ...]]:
    """What each tracked feature takes, one after the other, and the prorated grants that change with it.

    Usage that prorated seats may pay for is counted as a whole or not at all: nobody is billed for a part of it. Raises
    BadRequest `insufficient_balance` for that, and with reject.
    """
    before = {grant.id: grant for grant in grants}
    after = dict(before)
    taken: list[tuple[Taken, ...]] = []
    for feature in tracked:
        sources = compute_sources(feature, list(after.values()), features)
        seats = any(source.grant.proration is not None for source in sources)
        behavior = OverageBehavior.REJECT if seats else request.overage_behavior
        deducted = compute_deduction(sources, rounded(request.value), behavior)
        if deducted.shortfall > 0 and behavior is OverageBehavior.REJECT:
            message = f"The balance of {feature.id} does not cover {request.value:f}; nothing was deducted"
            raise BadRequest(message, code="insufficient_balance")
        after.update({each.grant.id: each.grant for each in deducted.taken})
        taken.append(deducted.taken)
    changed = (SeatChange(grant, after[key]) for key, grant in before.items() if grant.proration is not None)
    return taken, tuple(change for change in changed if change.before.balance != change.after.balance)
