"""What touches the disk for the screener."""
