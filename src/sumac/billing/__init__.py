"""Billing: what a customer holds, what it costs, and when that changes."""
