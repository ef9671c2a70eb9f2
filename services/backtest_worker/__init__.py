"""Backtests: the engines that play history through the rules."""
