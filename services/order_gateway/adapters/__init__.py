"""Brokers: the paper exchange, later real ones."""
