"""The database: every table, the two engines, and the only place that commits."""
