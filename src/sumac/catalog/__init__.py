"""The catalog: what can be limited and what is sold."""
