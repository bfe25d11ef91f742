"""Hosted pages for end customers: checkout, invoice, portal. Rendered by the server, complete without JavaScript."""
