"""The HTTP API: one contract, every version of it (api.md)."""
