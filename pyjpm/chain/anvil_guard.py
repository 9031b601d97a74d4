"""Runs a program and ends it when whoever started this guard is gone. Standard library only; started as a script.

Its standard input is a pipe whose other end only the starter holds. The pipe closes when the starter closes it or
dies, by SIGKILL too: the guard then terminates the program. Linux's PR_SET_PDEATHSIG would not do: it follows the
thread that forked, not the process, and other systems do not have it.

It adds one line to the program's output: ``pid N``, the program's process id.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

STDIN = 0
PATIENCE = 5.0  # seconds the program has to end by itself (Anvil writes its state then)


def end(program: subprocess.Popen[bytes]) -> None:
    """Terminate the program, kill it if it does not obey."""
    program.terminate()
    try:
        program.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        program.kill()


def main(command: list[str]) -> int:
    """Run ``command`` until it ends or the starter is gone; its exit status."""
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    print("pid", program.pid, flush=True)

    def watch() -> None:
        # Not sys.stdin: a thread inside its buffer would abort the interpreter's end.
        while os.read(STDIN, 1024):
            pass
        end(program)

    signal.signal(signal.SIGTERM, lambda *_: program.terminate())
    threading.Thread(target=watch, daemon=True).start()
    return program.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
