"""Balances: may this customer do this, and please count that."""
