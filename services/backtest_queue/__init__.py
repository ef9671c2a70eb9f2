"""The queue of backtest jobs: takes them, lends them to workers, keeps what comes of them."""
