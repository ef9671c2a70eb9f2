"""Backtests: one desk of orders and books, and engines that find the bars on which something happens."""
