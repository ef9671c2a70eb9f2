"""The report of a backtest as one HTML file that needs no network: `page.report_html`."""

from common.backtests.report.page import report_html

__all__ = ["report_html"]
