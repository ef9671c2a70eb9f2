"""Outside of everybody's loop: kills what hangs, and tells the risk manager what cannot be relied on."""
