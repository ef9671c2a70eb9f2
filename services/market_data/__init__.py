"""The market-data publisher: plays tapes (or a live feed) as one ordered feed of pushes, builds bars, records."""
