"""Engines that are wrong on purpose: each mistake is one that somebody has made, and the judge must see each.

Each module enters the mistakes of one part of the engine.
"""

from campaign.mutants import approving, concluding, meeting, sending, starting
from campaign.mutants.register import MUTANTS, PieceMissing, applied

__all__ = ["MUTANTS", "PieceMissing", "applied", "approving", "concluding", "meeting", "sending", "starting"]
