"""Sumac: customers, plans, usage and invoices for software companies, in one process."""
