"""A decision in the words of the confirm page: what begins and ends, what is due now, what is charged next."""

from collections.abc import Iterator
from dataclasses import dataclass

from sumac.billing.decide import Proposal
from sumac.billing.model import (
    CancelPlan,
    ChangePlan,
    CustomerPlan,
    DropScheduled,
    EndPlan,
    Holding,
    KeepPlan,
    PausePlan,
    ReplaceTerms,
    ResumePlan,
    SchedulePlan,
    StartPlan,
)
from sumac.billing.quote import heading_of
from sumac.core.money import Money
from sumac.invoices.model import Line
from sumac.invoices.rules.totals import compute_lines, compute_total
from sumac.pages.plan_card import NextCharge, next_charge_of, units_of
from sumac.pages.words import day

ARRIVING = (StartPlan, SchedulePlan, ChangePlan, ReplaceTerms)


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one plan."""

    plan_name: str
    words: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What a change comes to today: `due` is left of the lines' total after the customer's credit.

    A total below zero becomes credit of the customer.
    """

    changes: tuple[Change, ...]
    lines: tuple[Line, ...]
    total: Money
    due: Money
    next_charges: tuple[NextCharge, ...]

    @property
    def from_credit(self) -> Money:
        """What the customer's credit pays."""
        return self.total - self.due if self.total.minor > 0 else Money.zero(self.due.currency)

    @property
    def to_credit(self) -> Money:
        """What is added to the customer's credit."""
        return -self.total if self.total.minor < 0 else Money.zero(self.due.currency)


def quote_of(proposal: Proposal, due: Money) -> Quote:
    """The proposal in words and amounts; `due` is what the payer would pay for it now."""
    draft = proposal.decision.invoice
    lines = compute_lines(draft.lines, draft.currency) if draft else ()
    return Quote(
        changes=tuple(dict.fromkeys(_changes(proposal))),
        lines=lines,
        total=compute_total(lines, due.currency),
        due=due,
        next_charges=tuple(_next_charges(proposal)),
    )


def title_of(proposal: Proposal) -> str:
    """What the page asks about, such as "Change to Team" where one plan takes the place of another."""
    actions = proposal.decision.actions
    begun = [action.held for action in actions if isinstance(action, StartPlan | SchedulePlan)]
    if begun and any(isinstance(action, EndPlan | CancelPlan) for action in actions):
        names = dict.fromkeys(_name(proposal, held) for held in begun)
        return f"Change to {' and '.join(names)}"
    return heading_of(proposal)


def _changes(proposal: Proposal) -> Iterator[Change]:
    for action in proposal.decision.actions:
        match action:
            case StartPlan(held) | ChangePlan(held) | ReplaceTerms(held):
                yield Change(_name(proposal, held), _begins(held, proposal, anew=isinstance(action, StartPlan)))
            case SchedulePlan(held):
                yield Change(_name(proposal, held), f"starts on {day(held.starts_at)}")
            case DropScheduled(held):
                yield Change(_name(proposal, held), f"does not start on {day(held.starts_at)} any more")
            case CancelPlan(held) if held.ends_at is not None:
                yield Change(_name(proposal, held), f"ends on {day(held.ends_at)}")
            case KeepPlan(held) | ResumePlan(held):
                yield Change(_name(proposal, held), "goes on")
            case PausePlan(held):
                yield Change(_name(proposal, held), "is paused, and goes on after the trial")
            case EndPlan(held):
                yield Change(_name(proposal, held), "ends now")
            case _:
                continue


def _name(proposal: Proposal, held: CustomerPlan) -> str:
    return proposal.plan_of(held).name


def _begins(held: CustomerPlan, proposal: Proposal, *, anew: bool) -> str:
    begins = "starts now" if anew else "changes now"
    if anew and held.trial_ends_at is not None and held.trial_ends_at == held.period_end:
        begins = f"starts now, free until {day(held.trial_ends_at)}"
    chosen = ", ".join(units_of(held.quantities, proposal.snapshot.features))
    return f"{begins}, with {chosen}" if chosen else begins


def _next_charges(proposal: Proposal) -> Iterator[NextCharge]:
    for action in proposal.decision.actions:
        if isinstance(action, ARRIVING):
            charge = next_charge_of(Holding(action.held, proposal.plan_of(action.held)), proposal.snapshot)
            if charge is not None:
                yield charge
