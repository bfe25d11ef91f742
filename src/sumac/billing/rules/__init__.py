"""The billing engine: pure functions from a snapshot, a request and an instant to a decision."""
