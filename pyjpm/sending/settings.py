"""What whoever runs a sender decides."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """How a sender behaves. Raises ValueError for ``accepting`` or ``signing`` below 1.

    Attributes:
        window: nonces that one wallet may have on their way at once. A node holds only so many of one sender, and a
            signer's lost mark costs so many cancels.
        jam_after: seconds for which every node must have refused bytes for what they are, before their nonce is freed.
        accepting: calls that are accepted and signed at once; another waits until one of them has come to sending. For
            who submits by the thousands from several threads: Python runs one of them at a time, so that of many side
            by side all leave late, and the node idles meanwhile. None: no bound, as where signers wait for devices.
        signing: wallets that are signed for at once, of one call. Many where signers wait, for a device or a slow disk;
            with keys in this process threads save hardly any time, and cost half as much again of a processor.
    """

    window: int = 1_024
    jam_after: float = 30.0
    accepting: int | None = None
    signing: int = 8

    def __post_init__(self) -> None:
        if self.accepting is not None and self.accepting < 1:
            raise ValueError("with no call accepted at a time none ever is")
        if self.signing < 1:
            raise ValueError("with no wallet signed for at a time none ever is")
