"""Does the engine pay exactly once, whatever dies? Kills, histories, a judge, and engines that are wrong on purpose.

``python -m campaign`` (from ``tests/``) is ``make faults``; see ``campaign.__main__``.
"""
