"""What the demo holds: every state a customer can be in, and books that add up (dashboard.md §10.5)."""

import unicodedata
from collections.abc import Iterator

from sumac.billing.model import (
    Holding,
    PlanStatus,
)
from sumac.catalog.model import BillingMethod, FeatureKind
from sumac.catalog.rules.shape import is_free
from sumac.cli.demo.cast import CAST
from sumac.customers.model import Customer
from sumac.invoices.model import InvoiceKind, InvoiceStatus
from tests.demo.books import Books, summed


def holding(books: Books, plan_id: str) -> list[Holding]:
    """Every holding of the plan that grants access now."""
    return [
        each for held in books.holdings.values() for each in held if each.plan.id == plan_id and each.held.is_usable
    ]


def paying(books: Books) -> Iterator[tuple[Customer, Holding]]:
    """Everybody with a paid plan, and the plan."""
    for customer in books.customers:
        for each in books.holdings.get(customer.key, ()):
            if not is_free(each.plan) and each.held.recurring and each.held.is_usable:
                yield customer, each


def test_everybody_is_there(books: Books) -> None:
    """About forty customers of eight features and six plans, and enough events and invoices to page through."""
    assert len(CAST) == len(books.customers)
    assert {each.id for each in CAST} == {each.id for each in books.customers}
    assert 8 == len(books.features)
    assert 6 == len(books.plans)
    assert 60 < len(books.invoices)
    assert 200 < len(books.events)


def test_features_are_of_every_kind(books: Books) -> None:
    """A flag, units used up, units held, and credits."""
    kinds = {(each.kind, each.consumable) for each in books.features.values()}

    assert {
        (FeatureKind.BOOLEAN, False),
        (FeatureKind.METERED, True),
        (FeatureKind.METERED, False),
        (FeatureKind.CREDIT_SYSTEM, True),
    } == kinds


def test_every_plan_is_held(books: Books) -> None:
    """Somebody has each plan, and more than one of the main ones."""
    held = {plan.id: len(holding(books, plan.id)) for plan in books.plans}

    assert all(held.values()), held
    assert 5 < min(held["free"], held["pro"], held["team"])


def test_trials_run_with_and_without_a_card(books: Books) -> None:
    """Somebody tries a plan who has a card, and somebody who has none."""
    trying = [
        bool(books.cards[customer.key])
        for customer, each in paying(books)
        if each.held.trial_ends_at is not None and books.now < each.held.trial_ends_at
    ]

    assert {True, False} == set(trying)


def test_plans_are_being_left(books: Books) -> None:
    """One ends with its cycle and the free plan follows, one goes down to a cheaper paid plan, some are over."""
    scheduled = {
        (running.plan.id, waiting.plan.id)
        for held in books.holdings.values()
        for running in held
        for waiting in held
        if running.held.is_canceling and waiting.held.status is PlanStatus.SCHEDULED
    }
    over = {row.plan_id for row in books.past}

    assert {("pro", "free"), ("team", "free"), ("team", "pro")} == scheduled
    assert {"free", "pro", "team"} == over


def test_a_plan_was_changed_within_its_cycle(books: Books) -> None:
    """An upgrade's invoice gives back the unused part of the old plan and charges the rest of the new one."""
    changes = [each for each in books.invoices if each.kind is InvoiceKind.CHANGE and each.total.minor > 0]
    mixed = [each for each in changes if min(line.amount.minor for line in each.lines) < 0]

    assert 2 == len(mixed)


def test_payments_failed_and_recovered(books: Books) -> None:
    """Whoever is past due has an open invoice that was tried; another one was paid at a later try."""
    late = [customer for customer, each in paying(books) if each.held.status is PlanStatus.PAST_DUE]
    open_keys = {each.customer_key for each in books.invoices if each.status is InvoiceStatus.OPEN}
    recovered = [each for each in books.invoices if each.status is InvoiceStatus.PAID and each.attempts_made > 1]

    assert {"granite-peak-outfitters", "ruben-vasquez"} == {each.id for each in late}
    assert {each.key for each in late} == open_keys
    assert {"lighthouse-charity", "orbit-bikes"} == {
        each.id for each in books.customers if any(each.key == paid.customer_key for paid in recovered)
    }


def test_usage_reaches_every_limit(books: Books) -> None:
    """Somebody uses more than is included and pays for it, somebody has no limit, somebody has nothing left."""
    grants = [each for held in books.live.values() for each in held]

    assert any(each.overage and each.overage_allowed for each in grants)
    assert any(each.unlimited and each.usage for each in grants)
    assert any(each.granted and not each.balance and not each.overage_allowed for each in grants)
    assert any(each.feature_id == "credits" and each.usage for each in grants)


def test_overage_was_billed(books: Books) -> None:
    """Invoices charge for units used beyond the included ones, by the unit and in tiers."""
    charged = {line.feature_id for each in books.invoices for line in each.lines if line.amount.minor > 0}
    methods = {item.feature_id: item.price.billing_method for plan in books.plans for item in plan.items if item.price}
    billed_afterwards = {
        feature_id for feature_id in charged if methods.get(feature_id or "") is BillingMethod.USAGE_BASED
    }

    assert {"messages", "credits"} == billed_afterwards


def test_seats_are_bought_and_held(books: Books) -> None:
    """Prepaid seats are held by somebody who bought more than the plan includes."""
    seats = [each for held in books.live.values() for each in held if each.feature_id == "seats" and each.prepaid]

    assert 3 < len(seats)
    assert all(0 < each.usage <= each.granted for each in seats)


def test_names_are_of_every_kind(books: Books) -> None:
    """A very long name, one from right to left, one with emoji, none; no id; nested metadata; nothing used yet."""
    names = [each.name or "" for each in books.customers]
    directions = {unicodedata.bidirectional(letter) for name in names for letter in name}
    categories = {unicodedata.category(letter) for name in names for letter in name}
    without_id = [each for each in books.customers if each.id is None]
    active = {each.customer_key for each in books.events}
    idle = {each.id for each in books.customers if each.key not in active}

    assert 120 < max(len(name) for name in names)
    assert "AL" in directions
    assert "So" in categories
    assert "" in names
    assert ["newsletter.reader@example.net"] == [each.email for each in without_id]
    assert 6 < max(len(each.metadata) for each in books.customers)
    assert {"ida-novak", "u_9127"} <= idle


def test_everybody_stands_at_the_present(books: Books) -> None:
    """Every clock shows now, nothing is overdue, and three months lie behind."""
    assert {books.now} == {each.clock_at for each in books.customers}
    assert all(each.due_at is None or books.now < each.due_at for each in books.customers)
    assert 85 < (books.now - min(each.created_at for each in books.customers)).days < 110


def test_events_happened_to_customers_in_the_past(books: Books) -> None:
    """Nobody's event lies in the future, or before the customer came."""
    came = {each.key: each.created_at for each in books.customers}

    assert all(came[each.customer_key] <= each.occurred_at <= books.now for each in books.events)


def test_invoices_add_up(books: Books) -> None:
    """Each invoice is the sum of its lines, paid in full or still open, and numbered in the order of time."""
    in_order = sorted(books.invoices, key=lambda each: each.number or 0)

    assert list(range(1, len(in_order) + 1)) == [each.number for each in in_order]
    assert [each.created_at for each in in_order] == sorted(each.created_at for each in in_order)
    for each in in_order:
        assert each.total.minor == sum(line.amount.minor for line in each.lines), each.id
        due = max(0, each.total.minor - each.credit_applied.minor)
        assert (due if each.status is InvoiceStatus.PAID else 0) == each.paid.minor, each.id


def test_balances_add_up(books: Books) -> None:
    """Each balance is what was granted and reset, less what the events took; an ended grant comes to nothing."""
    totals = summed(books)

    assert {row.id for row in books.grants} == set(totals)
    for row in books.grants:
        assert (row.balance if row.ended_at is None else 0) == totals[row.id], (row.customer_key, row.feature_id)
