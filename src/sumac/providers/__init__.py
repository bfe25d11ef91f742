"""Those who take the money, each behind the port in billing.provider."""
