"""Invoices: what was charged, line by line, and whether it was paid."""
