"""What tokens cost in credits (billing.md §1.2, api.md §2.0, §2.4)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sumac.catalog.model import (
    Feature,
    FeatureKind,
    ModelMarkup,
    ProviderMarkup,
    TokenMarkups,
    TokenPool,
    TokenRates,
)
from sumac.catalog.rules.tokens import TokenCost, compute_token_cost
from sumac.core.errors import BadRequest

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
MODEL = "acme/large"
LISTED = {
    TokenPool.INPUT: Decimal(3),
    TokenPool.OUTPUT: Decimal(15),
    TokenPool.CACHE_READ: Decimal("0.3"),
    TokenPool.CACHE_WRITE: Decimal("3.75"),
}
ONE_EACH = dict.fromkeys(TokenPool, 1_000_000)
CALL = {TokenPool.INPUT: 1_000, TokenPool.OUTPUT: 500}
NO_MARKUPS = TokenMarkups()


def cost(
    tokens: Mapping[TokenPool, int], markups: TokenMarkups | None = None, listed: TokenRates | None = LISTED
) -> TokenCost:
    system = Feature("credits", "Credits", FeatureKind.AI_CREDIT_SYSTEM, True, CREATED, markups=markups)
    return compute_token_cost(system, MODEL, tokens, listed)


def percent(markup: int | str) -> ProviderMarkup:
    return ProviderMarkup(Decimal(markup))


@pytest.mark.parametrize(
    ("pool", "dollars"),
    [
        (TokenPool.INPUT, "3"),
        (TokenPool.OUTPUT, "15"),
        (TokenPool.CACHE_READ, "0.3"),
        (TokenPool.CACHE_WRITE, "3.75"),
        (TokenPool.AUDIO_INPUT, "3"),
        (TokenPool.AUDIO_OUTPUT, "15"),
        (TokenPool.REASONING, "15"),
    ],
)
def test_each_pool_has_its_price(pool: TokenPool, dollars: str) -> None:
    """A million tokens cost what the list says; a pool it is silent about costs what input or output does."""
    assert Decimal(dollars) == cost({pool: 1_000_000}).credits


@pytest.mark.parametrize(
    ("markups", "percent_on_top", "credits_spent"),
    [
        pytest.param(None, "0", "0.0105", id="nothing-set"),
        pytest.param(NO_MARKUPS, "0", "0.0105", id="nothing-given"),
        pytest.param(TokenMarkups(default_markup=Decimal(20)), "20", "0.0126", id="default"),
        pytest.param(
            TokenMarkups(default_markup=Decimal(20), provider_markups={"acme": percent(50)}),
            "50",
            "0.01575",
            id="provider-before-default",
        ),
        pytest.param(
            TokenMarkups(
                default_markup=Decimal(20),
                provider_markups={"acme": percent(50)},
                model_markups={MODEL: ModelMarkup(markup=Decimal(-10))},
            ),
            "-10",
            "0.00945",
            id="model-before-provider",
        ),
        pytest.param(
            TokenMarkups(default_markup=Decimal(20), model_markups={MODEL: ModelMarkup(markup=Decimal(0))}),
            "0",
            "0.0105",
            id="zero-is-given-too",
        ),
        pytest.param(
            TokenMarkups(provider_markups={"acme": percent(50)}, model_markups={MODEL: ModelMarkup()}),
            "50",
            "0.01575",
            id="a-model-without-a-percent",
        ),
        pytest.param(
            TokenMarkups(
                default_markup=Decimal(20),
                provider_markups={"other": percent(50)},
                model_markups={"acme/small": ModelMarkup(markup=Decimal(70))},
            ),
            "20",
            "0.0126",
            id="of-others",
        ),
        pytest.param(TokenMarkups(default_markup=Decimal(-100)), "-100", "0", id="free"),
        pytest.param(TokenMarkups(default_markup=Decimal("12.5")), "12.5", "0.0118125", id="a-fraction"),
    ],
)
def test_the_nearest_markup_counts(markups: TokenMarkups | None, percent_on_top: str, credits_spent: str) -> None:
    """That of the model before its provider's, that before the default one; -100 percent is free.

    1,000 tokens of input at 3 dollars a million and 500 of output at 15 are 0.0105 dollars.
    """
    spent = cost(CALL, markups)

    assert (Decimal("0.0105"), Decimal(percent_on_top), Decimal(credits_spent)) == (
        spent.dollars,
        spent.markup,
        spent.credits,
    )


@pytest.mark.parametrize(
    ("own", "dollars"),
    [
        pytest.param(ModelMarkup(input_cost=Decimal(1)), "0.0085", id="input"),
        pytest.param(ModelMarkup(output_cost=Decimal(2)), "0.004", id="output"),
        pytest.param(ModelMarkup(input_cost=Decimal(0), output_cost=Decimal(2)), "0.001", id="free-input"),
    ],
)
def test_own_costs_take_the_place_of_listed_ones(own: ModelMarkup, dollars: str) -> None:
    """Each for itself; what was not given is as listed."""
    assert Decimal(dollars) == cost(CALL, TokenMarkups(model_markups={MODEL: own})).dollars


def test_listed_prices_of_other_pools_stay() -> None:
    """A cost of one's own for input is that of every input nobody lists apart: of audio here, not of the cache."""
    own = TokenMarkups(model_markups={MODEL: ModelMarkup(input_cost=Decimal(1))})
    rates = cost(ONE_EACH, own).rates

    assert [Decimal(1), Decimal("0.3"), Decimal("3.75"), Decimal(1), Decimal(15)] == [
        rates[pool]
        for pool in (
            TokenPool.INPUT,
            TokenPool.CACHE_READ,
            TokenPool.CACHE_WRITE,
            TokenPool.AUDIO_INPUT,
            TokenPool.REASONING,
        )
    ]


def test_a_model_of_ones_own() -> None:
    """Nobody lists it: both costs are given, and count for all that goes in and all that comes out, markup on top."""
    own = ModelMarkup(markup=Decimal(100), input_cost=Decimal(1), output_cost=Decimal(2))
    spent = cost(ONE_EACH, TokenMarkups(model_markups={MODEL: own}), None)

    assert (Decimal(4 * 1 + 3 * 2), Decimal(20)) == (spent.dollars, spent.credits)


@pytest.mark.parametrize(
    "own",
    [
        None,
        ModelMarkup(markup=Decimal(-100)),
        ModelMarkup(input_cost=Decimal(1)),
        ModelMarkup(output_cost=Decimal(1)),
    ],
)
def test_a_model_nobody_lists_needs_both_costs(own: ModelMarkup | None) -> None:
    """Without them its price is unknown, and an unknown price is not nothing."""
    markups = None if own is None else TokenMarkups(model_markups={MODEL: own})
    with pytest.raises(BadRequest, match="acme/large") as caught:
        cost(CALL, markups, None)

    assert "invalid_model" == caught.value.code


def test_tokens_without_any_price_are_not_free() -> None:
    """A list that says what input costs says nothing about output; none of it is needed when there is none."""
    listed = {TokenPool.INPUT: Decimal(1)}

    assert Decimal(1) == cost({TokenPool.INPUT: 1_000_000, TokenPool.OUTPUT: 0}, None, listed).credits
    with pytest.raises(BadRequest, match="reasoning tokens") as caught:
        cost({TokenPool.REASONING: 1}, None, listed)

    assert "invalid_model" == caught.value.code
