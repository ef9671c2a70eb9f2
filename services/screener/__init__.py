"""The screener: pools of a day from point-in-time history, and why a stock is in or out."""
