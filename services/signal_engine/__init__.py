"""Runs the rules on the feed: quotes and bars in, decisions to the risk manager."""
