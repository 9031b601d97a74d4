"""Whether a payment may be signed: see docs/screening.md."""

from __future__ import annotations

from pyjpm.four_eyes import Staff as Staff
from pyjpm.screening.config import Config as Config
from pyjpm.screening.config import load_parties as load_parties
from pyjpm.screening.desk import ScreeningGate as ScreeningGate
from pyjpm.screening.desk import attach_travel as attach_travel
from pyjpm.screening.desk import screening_desk as screening_desk
from pyjpm.screening.fuzzy import FuzzyScreener as FuzzyScreener
from pyjpm.screening.lists import Kind as Kind
from pyjpm.screening.lists import ListEntry as ListEntry
from pyjpm.screening.lists import SanctionsList as SanctionsList
from pyjpm.screening.lists import load_list as load_list
from pyjpm.screening.logic import LogicScreener as LogicScreener
from pyjpm.screening.party import Hit as Hit
from pyjpm.screening.party import Party as Party
from pyjpm.screening.party import Screener as Screener
from pyjpm.screening.queue import Decision as Decision
from pyjpm.screening.queue import Queue as Queue
from pyjpm.screening.queue import Queued as Queued
from pyjpm.screening.queue import State as State
from pyjpm.screening.rules import Moved as Moved
from pyjpm.screening.rules import Structuring as Structuring
from pyjpm.screening.rules import Velocity as Velocity
from pyjpm.screening.screening import Policy as Policy
from pyjpm.screening.screening import Screening as Screening
from pyjpm.screening.screening import Transfer as Transfer
from pyjpm.screening.screening import open_travel as open_travel
from pyjpm.screening.travel import Agent as Agent
from pyjpm.screening.travel import Customer as Customer
from pyjpm.screening.travel import TravelData as TravelData
