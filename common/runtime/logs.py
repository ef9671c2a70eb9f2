"""Log lines: a fixed lower-case phrase plus facts, one JSON object a line on standard output."""

import logging
import sys
from typing import Any, TextIO

import structlog

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def make_logger(service: str, level: str = "info", file: TextIO | None = None) -> Any:
    """Return a logger bound to the service's name; `file` instead of standard output, where that is a protocol."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=False),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(file=file or sys.stdout),
        cache_logger_on_first_use=False,
    )
    return structlog.get_logger().bind(service=service)
