"""How JSON is written into the database: quickly, decimals as texts, instants as in ISO 8601."""

from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()


def write_json(value: Any) -> str:  # noqa: ANN401  # any JSON value, and dataclasses of them
    """The text."""
    return _encoder.encode(value).decode()
