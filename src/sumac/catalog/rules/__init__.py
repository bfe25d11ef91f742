"""Pure rules of the catalog: which features and plans are valid, what a plan is, and what units cost."""
