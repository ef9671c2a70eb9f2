"""The words of the market as types: symbols, days, phases, orders, positions, reasons, errors."""
