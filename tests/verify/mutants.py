"""The mutants of the contracts: each a small wrong edit, made where the compiler's own tree says.

What is edited: conditions negated, `&&` and `||` swapped, comparisons off by one or turned round, arithmetic and bit
operators swapped, statements (assignments, calls, events, reverts) removed, returned values changed, modifiers removed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

# Which tests are asked first about a source, by the beginning of their names; the others only if those see nothing.
# fmt: off
AREAS = {
    "registry": ("^(Registry|Clock)", ("Participant", "Standings", "Stops", "Flags", "Sponsor", "Pair")),
    "token": (
        "^(Token|MintRate|Mandate|Clear|Author)",
        ("DepositToken", "Token", "Movements", "PlainMovements", "Offices", "MintRates", "Consents", "References",
         "AccountWord", "LimitWord", "Mandate", "Clear", "Author", "Retail", "Institution"),
    ),
    "escrow": ("^(Escrow|AttesterSets|Clock)", ("Order", "Attester", "Milestone", "TermsRules", "Clock", "Interval")),
    "settlement": ("^Settlement", ("Settlement", "Trade", "CashLegs", "Delivery", "Wallets")),
}
# fmt: on
SHARED = ("Reason", "Signatures", "Ids")  # of all four

SWAPS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&",
    "+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "|": "&", "&": "|", "^": "|", "<<": ">>", ">>": "<<",
    "+=": "-=", "-=": "+=", "|=": "&=", "&=": "|=", "++": "--", "--": "++",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One edit of one file, in bytes; ``key`` names it by the line it changes, whatever stands above it."""

    file: str
    line: int
    text: str
    function: str
    start: int
    end: int
    old: str
    new: str

    @property
    def key(self) -> str:
        old, new = " ".join(self.old.split()), " ".join(self.new.split())
        return f"{self.file}, {self.function}, {self.text}: `{old}` becomes `{new}`"

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.new.encode() + source[self.end :]


def area_of(file: str) -> str | None:
    """The area whose contract or library this is; None where it belongs to none of the four."""
    name = Path(file).stem
    for area, (_, beginnings) in AREAS.items():
        if name.startswith(beginnings):
            return area
    return "token" if name.startswith(SHARED) else None


def sources() -> list[str]:
    """The contracts and libraries that are mutated."""
    found = [*ROOT.glob("contracts/*.sol"), *ROOT.glob("contracts/libraries/*.sol")]
    return sorted(str(path.relative_to(ROOT)) for path in found if area_of(str(path)))


def trees(files: list[str]) -> dict[str, Any]:
    """The compiler's tree of each file."""
    request = {
        "language": "Solidity",
        "sources": {file: {"content": (ROOT / file).read_text()} for file in files},
        "settings": {
            "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
            "evmVersion": "cancun",
            "outputSelection": {"*": {"": ["ast"]}},
        },
    }
    command = [str(ROOT / "build/solc"), "--standard-json", "--base-path", ".", "--allow-paths", "."]
    done = subprocess.run(command, cwd=ROOT, input=json.dumps(request), capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    wrong = [error["formattedMessage"] for error in answer.get("errors", []) if error["severity"] == "error"]
    if wrong:
        sys.exit(wrong[0])
    return {file: answer["sources"][file]["ast"] for file in files}


def mutants() -> list[Mutant]:
    """All there are, in the order of the sources."""
    files = sources()
    found: dict[tuple[str, int, int, str], Mutant] = {}
    for file, tree in trees(files).items():
        source = (ROOT / file).read_bytes()
        for function, start, end, new in _edits(tree, source, ""):
            line = source.count(b"\n", 0, start)
            text = source.splitlines()[line].decode().strip()
            mutant = Mutant(file, line + 1, text, function, start, end, source[start:end].decode(), new)
            found[file, start, end, new] = mutant
    return sorted(found.values(), key=lambda m: (m.file, m.start, m.end, m.new))


Edit = tuple[str, int, int, str]


def _edits(node: Any, source: bytes, function: str) -> Iterator[Edit]:
    if isinstance(node, list):
        for each in node:
            yield from _edits(each, source, function)
        return
    if not isinstance(node, dict) or node.get("nodeType") == "InlineAssembly":
        return
    kind = node.get("nodeType")
    if kind == "FunctionDefinition":
        function = node["name"] or node["kind"]
    if kind == "ModifierDefinition":
        function = node["name"]
    for start, end, new in _of_node(node, source):
        yield function, start, end, new
    for name, child in node.items():
        # a loop whose counter stands still only runs out of gas
        if not (kind == "ForStatement" and name in ("initializationExpression", "loopExpression")):
            yield from _edits(child, source, function)


def _of_node(node: dict[str, Any], source: bytes) -> Iterator[tuple[int, int, str]]:
    kind = node.get("nodeType")
    if kind in ("IfStatement", "Conditional", "WhileStatement"):
        yield from _negated(node["condition"], source)
    elif kind in ("BinaryOperation", "Assignment"):
        left, right = (
            ("leftExpression", "rightExpression") if kind == "BinaryOperation" else ("leftHandSide", "rightHandSide")
        )
        yield from _swapped(node["operator"], _span(node[left])[1], _span(node[right])[0], source)
    elif kind == "UnaryOperation" and node["operator"] == "!":
        start, end = _span(node)
        yield start, end, _text(node["subExpression"], source)
    elif kind in ("ExpressionStatement", "EmitStatement", "RevertStatement"):
        start, end = _span(node)
        after = source.index(b";", end)
        if not source[end:after].strip():
            yield start, after + 1, "{}"
    elif kind == "Return" and node.get("expression"):
        yield from _returned(node["expression"], source)
    elif kind == "FunctionDefinition":
        for modifier in node["modifiers"]:
            if modifier.get("kind") == "modifierInvocation":
                start, end = _span(modifier)
                yield start, end, ""


def _negated(condition: dict[str, Any], source: bytes) -> Iterator[tuple[int, int, str]]:
    start, end = _span(condition)
    if condition.get("nodeType") != "UnaryOperation":  # that loses its `!` anyway
        yield start, end, f"!({_text(condition, source)})"


def _swapped(operator: str, start: int, end: int, source: bytes) -> Iterator[tuple[int, int, str]]:
    at = source.find(operator.encode(), start, end)
    if operator in SWAPS and at >= 0:
        yield at, at + len(operator), SWAPS[operator]


def _returned(expression: dict[str, Any], source: bytes) -> Iterator[tuple[int, int, str]]:
    (start, end), kind = _span(expression), expression["typeDescriptions"]["typeString"]
    text = _text(expression, source)
    if kind == "bool" and text in ("true", "false"):
        yield start, end, "false" if text == "true" else "true"
    elif kind == "bool":
        yield start, end, f"!({text})"
    elif kind.startswith("uint"):
        yield start, end, "0" if text != "0" else "1"
    elif kind == "address":
        yield start, end, "address(0)"
    elif kind == "bytes32":
        yield start, end, "bytes32(0)"


def _span(node: dict[str, Any]) -> tuple[int, int]:
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


def _text(node: dict[str, Any], source: bytes) -> str:
    start, end = _span(node)
    return source[start:end].decode()
