"""Public prices of AI models, from the data that genai-prices brings along; nothing is ever fetched (decision 0019)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from genai_prices.data import providers
from genai_prices.data_snapshot import find_provider_by_id
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

from sumac.catalog.model import TokenPool, TokenRates

KEYS = {
    TokenPool.INPUT: "input_mtok",
    TokenPool.OUTPUT: "output_mtok",
    TokenPool.CACHE_READ: "cache_read_mtok",
    TokenPool.CACHE_WRITE: "cache_write_mtok",
    TokenPool.AUDIO_INPUT: "input_audio_mtok",
    TokenPool.AUDIO_OUTPUT: "output_audio_mtok",
    TokenPool.REASONING: "output_reasoning_mtok",
}
SAME: Mapping[str, str] = {"fireworks-ai": "fireworks", "togetherai": "together"}
"""Providers that models.dev calls otherwise, where the data does not know both names."""
REMEMBERED = 1024


class BundledPrices:
    """The price list of the installed genai-prices; it changes with the package, never while the server runs."""

    def find(self, model_id: str, *, at: datetime, sent: int) -> TokenRates | None:
        """The prices at an instant of a request with so many tokens sent; None for a model that is not listed."""
        model = _model(model_id)
        if model is None:
            return None
        prices = model.get_prices(at)
        rates = {pool: _rate(prices, key, sent) for pool, key in KEYS.items()}
        return {pool: rate for pool, rate in rates.items() if rate is not None}


@lru_cache(maxsize=REMEMBERED)
def _model(model_id: str) -> ModelInfo | None:
    provider_id, _, model = model_id.partition("/")
    provider = find_provider_by_id(providers, SAME.get(provider_id, provider_id))
    return None if provider is None else provider.find_model(model, all_providers=providers)


def _rate(prices: ModelPrice, key: str, sent: int) -> Decimal | None:
    """The price under the key; beyond a number of tokens sent, all tokens have the price of that tier."""
    price: Decimal | TieredPrices | None = getattr(prices, key)
    if not isinstance(price, TieredPrices):
        return price
    return next((tier.price for tier in reversed(price.tiers) if sent > tier.start), price.base)
