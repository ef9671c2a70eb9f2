"""The `pankou` command: what people type."""
