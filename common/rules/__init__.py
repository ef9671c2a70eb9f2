"""The market's rules by date: pure functions over integers, asked by screener, risk, broker and backtests alike."""
