"""History on disk: Parquet tables, point-in-time readers, tapes, the synthetic market."""
