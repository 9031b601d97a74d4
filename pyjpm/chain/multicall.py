"""Many small views in one ``eth_call``: the code that asks them is sent along, and deployed nowhere.

A node sets up its virtual machine for every call anew; over two hundred payments' references that costs it more than
the contracts' own work, and us as much again in JSON. So the questions go as the creation code of a contract that is
never made: run as a creation, it asks each in turn and returns the answers in the place of a contract's code.

Decisions that govern this module:

* Only views of one 32-byte answer whose calldata are all of one length. What a view answers otherwise, or a revert, is
  said apart (``None``), and asked again by itself: one question can spoil no other's answer.
* What is returned stays below the limits on creations that nodes apply to calls too: 49,152 bytes of creation code
  (EIP-3860), 24,576 bytes of code (EIP-170) that do not begin with 0xef (EIP-3541).
* Not every node need allow this. An answer that is not of the expected size is no answer: the caller asks singly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_WORD: Final = 32
_ANSWER: Final = 1 + _WORD  # whether there is one, and the word
_ADDRESS: Final = 20
MOST_QUESTIONS: Final = 24_576 // _ANSWER
MOST_CODE: Final = 49_152

# Instructions, by the names of the yellow paper.
_ADD, _SUB, _GT, _EQ, _AND, _SHR = 0x01, 0x03, 0x11, 0x14, 0x16, 0x1C
_CODECOPY, _RETURNDATASIZE = 0x39, 0x3D
_MLOAD, _MSTORE8, _JUMPI, _GAS, _JUMPDEST = 0x51, 0x53, 0x57, 0x5A, 0x5B
_PUSH1, _PUSH3, _DUP2, _DUP3, _SWAP1 = 0x60, 0x62, 0x81, 0x82, 0x90
_RETURN, _STATICCALL = 0xF3, 0xFA


def fitting(size: int) -> int:
    """How many questions with so many bytes of calldata fit into one call."""
    item = _ADDRESS + size
    return min(MOST_QUESTIONS, (MOST_CODE - len(_program(item, 0, 0))) // item)


def creation_code(questions: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The creation code that asks these, in their order.

    Args:
        questions: the 20 bytes of a contract's address and the calldata, which are all of one length.

    Raises ValueError for none, too many, or calldata of different lengths.
    """
    size = len(questions[0][1]) if questions else 0
    if not questions or any(len(to) != _ADDRESS or len(data) != size for to, data in questions):
        raise ValueError("questions of one length are needed")
    items = b"".join([to + data for to, data in questions])
    item = _ADDRESS + size
    program = _program(item, len(items), 0)
    code = _program(item, len(items), len(program)) + items
    if len(questions) > MOST_QUESTIONS or len(code) > MOST_CODE:
        raise ValueError("too many questions for one call")
    return code


def read_answers(returned: bytes, count: int) -> list[bytes | None] | None:
    """What the code for so many questions returned: a word for each, None where there was no such answer; None for all
    where a node returned something else."""
    if len(returned) != count * _ANSWER:
        return None
    places = range(0, len(returned), _ANSWER)
    return [returned[at + 1 : at + _ANSWER] if returned[at] == 1 else None for at in places]


def _program(item: int, total: int, first: int) -> bytes:
    """The instructions, where the items of ``total`` bytes begin at byte ``first`` of the code."""
    answers = item  # where in memory they begin: behind the item that is asked
    # The stack from the bottom: the next item's place in the code, the next answer's in memory.
    start = [_PUSH3, *_three(first), _PUSH3, *_three(answers)]
    loop = len(start)
    return bytes(
        [
            *start,
            _JUMPDEST,
            *(_PUSH3, *_three(item), _DUP3, _PUSH1, 0, _CODECOPY),  # the item to the beginning of memory
            *(_PUSH1, _WORD, _DUP2, _PUSH1, 1, _ADD),  # its answer behind the sign whether there is one
            *(_PUSH3, *_three(item - _ADDRESS), _PUSH1, _ADDRESS),
            *(_PUSH1, 0, _MLOAD, _PUSH1, 96, _SHR, _GAS, _STATICCALL),
            *(_RETURNDATASIZE, _PUSH1, _WORD, _EQ, _AND, _DUP2, _MSTORE8),
            *(_PUSH1, _ANSWER, _ADD),
            *(_SWAP1, _PUSH3, *_three(item), _ADD, _SWAP1),
            *(_DUP2, _PUSH3, *_three(first + total), _GT, _PUSH1, loop, _JUMPI),
            *(_PUSH3, *_three(answers), _SWAP1, _SUB, _PUSH3, *_three(answers), _RETURN),
        ]
    )


def _three(value: int) -> bytes:
    return value.to_bytes(3, "big")
