"""Organizations: who bills through us, who may sign in, and which keys exist."""
