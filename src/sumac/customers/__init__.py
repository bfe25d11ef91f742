"""Customers: who buys, how to reach them, and their own clock."""
