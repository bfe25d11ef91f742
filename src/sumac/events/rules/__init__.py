"""How usage events are counted, grouped and summed over time: pure functions."""
