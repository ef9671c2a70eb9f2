"""The machine's side of the queue."""
