"""What tokens of a model cost in credits of an AI credit system (billing.md §1.2, api.md §2.0 and §2.4).

A credit is a US dollar of the model's price with the markup on top. Nothing is rounded here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, localcontext

from sumac.catalog.model import Feature, ModelMarkup, TokenMarkups, TokenPool, TokenRates
from sumac.core.errors import BadRequest

MILLION = 1_000_000
HUNDRED = 100
EXACT_DIGITS = 300
NO_MARKUPS = TokenMarkups()
NO_MARKUP = ModelMarkup()
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class TokenCost:
    """What tokens cost: US dollars by the rates, percent on top, and the credits that makes.

    `rates` are those that were used, in US dollars per million tokens of each pool that had any.
    """

    rates: TokenRates
    dollars: Decimal
    markup: Decimal
    credits: Decimal


def compute_token_cost(
    system: Feature, model_id: str, tokens: Mapping[TokenPool, int], listed: TokenRates | None
) -> TokenCost:
    """The cost of the tokens of a model, "provider/model", in credits of the AI credit system.

    `listed` are the model's public prices, None for a model nobody lists. The system's own costs of a model take the
    place of the listed ones for input and output. A pool without a price costs what input or output does, whichever it
    is a kind of. Raises BadRequest `invalid_model` when there are tokens that nothing says the price of.
    """
    markups = system.markups or NO_MARKUPS
    own = (markups.model_markups or {}).get(model_id, NO_MARKUP)
    if listed is None and (own.input_cost is None or own.output_cost is None):
        message = f"No price of the model {model_id} is known; give it input_cost and output_cost in {system.id}"
        raise BadRequest(message, code="invalid_model")
    known = _with_own(listed or {}, own)
    rates = {pool: _rate_of(pool, known, system, model_id) for pool, count in tokens.items() if count > 0}
    markup = _markup_of(markups, own, model_id)
    with localcontext(Context(prec=EXACT_DIGITS, traps=[Inexact])):
        dollars = sum((rate * tokens[pool] / MILLION for pool, rate in rates.items()), ZERO)
        return TokenCost(rates, dollars, markup, dollars * (HUNDRED + markup) / HUNDRED)


def _with_own(listed: TokenRates, own: ModelMarkup) -> TokenRates:
    costs = {TokenPool.INPUT: own.input_cost, TokenPool.OUTPUT: own.output_cost}
    return {**listed, **{pool: cost for pool, cost in costs.items() if cost is not None}}


def _rate_of(pool: TokenPool, known: TokenRates, system: Feature, model_id: str) -> Decimal:
    rate = known.get(pool, known.get(TokenPool.INPUT if pool.is_sent else TokenPool.OUTPUT))
    if rate is None:
        message = f"No price of {pool} tokens of the model {model_id} is known; give it costs in {system.id}"
        raise BadRequest(message, code="invalid_model")
    return rate


def _markup_of(markups: TokenMarkups, own: ModelMarkup, model_id: str) -> Decimal:
    """The percent of the model, else of its provider, else of everything."""
    of_provider = (markups.provider_markups or {}).get(model_id.partition("/")[0])
    nearest = (own.markup, None if of_provider is None else of_provider.markup, markups.default_markup)
    return next((markup for markup in nearest if markup is not None), ZERO)
