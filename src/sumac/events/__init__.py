"""Usage events: what happened, appended once and never changed."""
