"""Where the pushes come from."""
