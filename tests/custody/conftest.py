"""Devices, for every test that asks for one."""

import pytest
from custody.aws import credentials, kms
from custody.softhsm import softhsm

__all__ = ["credentials", "kms", "softhsm"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests measured (``record_property("figure", …)``), which parallel runs would swallow."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "figure":
                terminalreporter.write_line(text)
