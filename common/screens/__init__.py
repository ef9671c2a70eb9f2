"""Screens over the whole cross-section of a day: arrays in, verdicts with their numbers out. No positions, no disk."""
