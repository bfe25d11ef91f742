"""Pure rules of rewards."""
