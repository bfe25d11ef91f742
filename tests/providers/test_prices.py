"""The bundled price list: found by the names models.dev gives, by time and by size, and never fetched."""

import sys
import threading
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version

import genai_prices
import pytest
from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot

from sumac.catalog.model import TokenPool, TokenRates
from sumac.providers.prices import BundledPrices

JANUARY = datetime(2026, 1, 1, 12, tzinfo=UTC)


def find(model_id: str, *, at: datetime = JANUARY, sent: int = 0) -> TokenRates | None:
    return BundledPrices().find(model_id, at=at, sent=sent)


@pytest.mark.parametrize(
    "model_id",
    [
        "openai/gpt-4o",
        "amazon-bedrock/global.moonshotai.kimi-k3",
        "google/gemini-2.5-pro",
        "google-vertex/gemini-2.5-pro",
        "xai/grok-4",
        "mistral/mistral-large-latest",
        "deepseek/deepseek-chat",
        "azure/gpt-4o",
        "openrouter/google/gemini-3-flash-preview",
        "groq/llama-3.3-70b-versatile",
        "togetherai/meta-llama/Llama-3.3-70B-Instruct-Turbo",
        "fireworks-ai/accounts/fireworks/models/deepseek-v3p2",
    ],
)
def test_a_model_is_found(model_id: str) -> None:
    """By "provider/model", the first part is the provider; what goes in and what comes out have prices."""
    rates = find(model_id)

    assert rates is not None
    assert {TokenPool.INPUT, TokenPool.OUTPUT} <= rates.keys()
    assert all(rate.is_finite() and rate > 0 for rate in rates.values())


@pytest.mark.parametrize(
    "model_id", ["openai/gpt-99", "custom/mine", "gpt-4o", "openai/", "/gpt-4o", "openai", "x/y/z"]
)
def test_a_model_nobody_lists(model_id: str) -> None:
    """It has no price, not that of one with a similar name, and not that of a model without its provider."""
    assert find(model_id) is None


def test_pools_have_prices_of_their_own() -> None:
    """In dollars per million tokens."""
    assert {
        TokenPool.INPUT: Decimal(3),
        TokenPool.OUTPUT: Decimal(15),
        TokenPool.CACHE_READ: Decimal("0.3"),
        TokenPool.CACHE_WRITE: Decimal("3.75"),
    } == find("amazon-bedrock/global.moonshotai.kimi-k3")
    assert Decimal(3) == (find("perplexity/sonar-deep-research") or {})[TokenPool.REASONING]


def test_a_long_request_costs_more() -> None:
    """Beyond a number of tokens sent, every token has the price of the tier; exactly at it, none has."""
    prices = [find("google/gemini-2.5-pro", sent=sent) or {} for sent in (0, 200_000, 200_001)]

    assert [Decimal("1.25"), Decimal("1.25"), Decimal("2.5")] == [each[TokenPool.INPUT] for each in prices]
    assert [Decimal(10), Decimal(10), Decimal(15)] == [each[TokenPool.OUTPUT] for each in prices]


def test_the_price_is_that_of_the_instant() -> None:
    """Where a provider charges by the time of day, the hour in UTC decides."""
    night, day = datetime(2025, 3, 1, 20, tzinfo=UTC), datetime(2025, 3, 1, 12, tzinfo=UTC)

    assert find("deepseek/deepseek-chat", at=night) != find("deepseek/deepseek-chat", at=day)


def test_nothing_is_ever_fetched() -> None:
    """No thread is started, and prices that some other library fetched are not used: the data is the package's."""
    set_custom_snapshot(DataSnapshot(providers=[], from_auto_update=True))
    try:
        assert find("openai/gpt-4o-mini") is not None
    finally:
        set_custom_snapshot(None)
    assert [] == [thread.name for thread in threading.enumerate() if "price" in thread.name.lower()]
    assert genai_prices.__version__ == version("genai-prices")
    assert "genai_prices.data" in sys.modules
