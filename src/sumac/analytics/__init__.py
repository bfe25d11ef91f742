"""Read models: what was, and what would have been. Nothing here is written."""
