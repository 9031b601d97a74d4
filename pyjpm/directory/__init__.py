"""Which participant an outside identifier means: see docs/directory.md."""

from __future__ import annotations

from pyjpm.directory.anchoring import Anchored as Anchored
from pyjpm.directory.anchoring import anchor_head as anchor_head
from pyjpm.directory.anchoring import verify as verify
from pyjpm.directory.change import Change as Change
from pyjpm.directory.change import Entry as Entry
from pyjpm.directory.change import State as State
from pyjpm.directory.directory import Directory as Directory
from pyjpm.directory.directory import Match as Match
from pyjpm.directory.identifiers import Scheme as Scheme
from pyjpm.directory.names import Closeness as Closeness
from pyjpm.four_eyes import Staff as Staff
