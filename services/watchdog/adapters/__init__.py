"""The machine's side of the watchdog."""
