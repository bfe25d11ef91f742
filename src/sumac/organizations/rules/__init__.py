"""Pure rules of organizations: what a key or a role may do."""
