"""What happens to a customer of the demo, told in days and months before the present."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sumac.billing.requests import (
    CancelAction,
)
from sumac.cli.demo.offer import TRIAL_DAYS
from sumac.cli.demo.usage import Usage
from sumac.core.time import add_months

GOOD_CARD = "4242 4242 4242 4242"
OTHER_CARD = "4000 0025 0000 3155"
LATER_DECLINED_CARD = "4000 0000 0000 0341"
NOTHING = Usage()


@dataclass(frozen=True, slots=True)
class Ago:
    """An instant before the present: `days` and `hours`, then whole months, then `lead` days before that.

    What starts `months` before lands on the same day of the month as the present less the days, so it is known when it
    renews.
    """

    days: int = 0
    months: int = 0
    hours: int = 0
    lead: int = 0

    def before(self, now: datetime, shift: timedelta) -> datetime:
        """The instant; what is days ago is moved back by the customer's `shift`, so that not all come at one hour."""
        earlier = timedelta(days=self.days, hours=self.hours) + (shift if self.days else timedelta())
        return add_months(now - earlier, -self.months) - timedelta(days=self.lead)


@dataclass(frozen=True, slots=True)
class AddCard:
    """The customer stores a card."""

    number: str = GOOD_CARD


@dataclass(frozen=True, slots=True)
class Attach:
    """The customer takes a plan; without a card they pay on the hosted page. `seats` in all, where they are prepaid."""

    plan_id: str
    seats: int | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """The customer leaves a plan."""

    plan_id: str
    action: CancelAction = CancelAction.CANCEL_END_OF_CYCLE


@dataclass(frozen=True, slots=True)
class NextCharge:
    """The bank decides how the next charge ends."""

    outcome: str


@dataclass(frozen=True, slots=True)
class Hold:
    """The customer takes so many seats, or gives them back when negative."""

    seats: int


Step = AddCard | Attach | Cancel | NextCharge | Hold


@dataclass(frozen=True, slots=True)
class Story:
    """When the customer came, what happened then, and how they use the product until `usage_until`."""

    joined: Ago
    steps: tuple[tuple[Ago, Step], ...] = ()
    usage: Usage = NOTHING
    usage_until: Ago = Ago()


@dataclass(frozen=True, slots=True)
class Person:
    """A customer of the demo; `id` None when known by e-mail only."""

    id: str | None
    name: str | None
    email: str | None
    story: Story
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What tells this customer from the others."""
        return self.id or self.email or ""


def visitor(joined: Ago, usage: Usage = NOTHING) -> Story:
    """Stays on the free plan."""
    return Story(joined, usage=usage)


def trial(days: int, usage: Usage, *, card: bool) -> Story:
    """Began to try Pro some days ago."""
    began = Ago(days=days)
    cards = ((began, AddCard()),) if card else ()
    return Story(Ago(days=days, hours=3), (*cards, (began, Attach("pro"))), usage)


def pro(billed: Ago, usage: Usage, *later: tuple[Ago, Step], seats: int = 1) -> Story:
    """Tried Pro and stayed; `billed` is when the trial ended, so the same day of every month since."""
    tried = Ago(billed.days, billed.months, lead=TRIAL_DAYS)
    joined = Ago(billed.days, billed.months, hours=5, lead=TRIAL_DAYS)
    return Story(joined, ((tried, AddCard()), (tried, Attach("pro")), (tried, Hold(seats)), *later), usage)


def team(
    bought: Ago,
    usage: Usage,
    *later: tuple[Ago, Step],
    plan_id: str = "team",
    seats: int | None = None,
    held: int = 4,
) -> Story:
    """Bought Team on the hosted page, which stores the card."""
    joined = Ago(bought.days, bought.months, hours=2)
    return Story(joined, ((bought, Attach(plan_id, seats)), (bought, Hold(held)), *later), usage)
