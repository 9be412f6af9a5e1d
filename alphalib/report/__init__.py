"""The weekly page, its pictures, the tear sheet beside it, and mailing it. Reads artefacts, computes nothing new."""

from alphalib.report.inputs import WeeklyInputs, read_inputs
from alphalib.report.page import page, weekly_page
from alphalib.report.summary import five_lines
from alphalib.report.weekly import write_report

__all__ = ["WeeklyInputs", "five_lines", "page", "read_inputs", "weekly_page", "write_report"]
