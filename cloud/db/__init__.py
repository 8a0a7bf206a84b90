"""The cloud's tables and the only place that opens its database."""
