"""The operations, a module per noun."""
