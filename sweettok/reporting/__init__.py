"""From the stages' outputs to the tables, figures and the page in `reports/`."""

from sweettok.reporting.collect import Results, collect
from sweettok.reporting.report import write_report

__all__ = ["Results", "collect", "write_report"]
