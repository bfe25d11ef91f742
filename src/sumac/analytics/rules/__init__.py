"""Pure decisions of the read models."""
