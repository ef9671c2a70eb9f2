"""What a backtest leaves behind, whatever engine made it: the result, its statistics, its report.

`result.py` is the model, `check.py` says whether its books add up, `trades.py` and `statistics.py` read it,
`codec.py` and `store.py` keep it, `report/` shows it. Nothing here runs a backtest.
"""
