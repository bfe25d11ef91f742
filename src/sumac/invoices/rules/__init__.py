"""Pure rules of invoices: how exact lines become whole minor units."""
