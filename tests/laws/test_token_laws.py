"""The price of tokens is exact: parts sum to the whole, and free is free (billing.md §1.2)."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from sumac.catalog.model import Feature, FeatureKind, ModelMarkup, TokenMarkups, TokenPool
from sumac.catalog.rules.tokens import TokenCost, compute_token_cost
from tests.laws.strategies import LAW

MODEL = "acme/large"
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
pools = st.sampled_from(list(TokenPool))
counts = st.dictionaries(pools, st.integers(0, 2**53 - 1))
costs = st.decimals(0, 10**40, places=40)
listed = st.dictionaries(pools, costs)
both = st.fixed_dictionaries({TokenPool.INPUT: costs, TokenPool.OUTPUT: costs})
percents = st.decimals(-100, 10**13, places=10)


def cost(
    tokens: dict[TokenPool, int], rates: dict[TokenPool, Decimal], markup: Decimal, own: ModelMarkup | None = None
) -> TokenCost:
    markups = TokenMarkups({} if own is None else {MODEL: own}, default_markup=markup)
    system = Feature("credits", "Credits", FeatureKind.AI_CREDIT_SYSTEM, True, CREATED, markups=markups)
    return compute_token_cost(system, MODEL, tokens, rates)


@LAW
@given(counts, listed, both, percents)
def test_the_pools_sum_to_the_whole(
    tokens: dict[TokenPool, int], some: dict[TokenPool, Decimal], rest: dict[TokenPool, Decimal], markup: Decimal
) -> None:
    """No token is priced twice or not at all, and no digit is lost, whatever the sizes."""
    rates = rest | some
    whole = cost(tokens, rates, markup)
    parts = [cost({pool: count}, rates, markup) for pool, count in tokens.items()]
    by_hand = sum((Fraction(rate) * tokens[pool] / 10**6 for pool, rate in whole.rates.items()), Fraction(0))

    assert by_hand == Fraction(whole.dollars)
    assert sum((Fraction(part.credits) for part in parts), Fraction(0)) == Fraction(whole.credits)
    assert by_hand * (100 + Fraction(markup)) / 100 == Fraction(whole.credits)
    assert {pool for pool, count in tokens.items() if count} == whole.rates.keys()


@LAW
@given(counts, both, percents, both)
def test_a_markup_of_minus_a_hundred_is_free(
    tokens: dict[TokenPool, int], rates: dict[TokenPool, Decimal], markup: Decimal, own: dict[TokenPool, Decimal]
) -> None:
    """Whatever the default one is, and whatever the model costs; no markup at all never costs less than nothing."""
    free = ModelMarkup(Decimal(-100), own[TokenPool.INPUT], own[TokenPool.OUTPUT])

    assert 0 == cost(tokens, rates, markup, free).credits
    assert 0 <= cost(tokens, rates, markup).credits


@LAW
@given(counts, counts, both, percents)
def test_tokens_may_be_told_together_or_apart(
    one: dict[TokenPool, int], other: dict[TokenPool, int], rates: dict[TokenPool, Decimal], markup: Decimal
) -> None:
    """Two calls cost what one call of all their tokens does, at the same prices."""
    together = {pool: one.get(pool, 0) + other.get(pool, 0) for pool in TokenPool}
    apart = Fraction(cost(one, rates, markup).credits) + Fraction(cost(other, rates, markup).credits)

    assert apart == Fraction(cost(together, rates, markup).credits)
