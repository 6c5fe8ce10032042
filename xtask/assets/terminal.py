"""Runs a program in a terminal of its own, and closes the terminal once it has shown something.

    terminal.py BYTES PROGRAM [ARGUMENT...]

When BYTES bytes have been shown, the terminal is closed as a person closes its window: the kernel
hangs up on the program. Prints how the program ended, and fails when it does not end within ten
seconds.
"""

import os
import pty
import sys
import time


def main():
    wanted, program = int(sys.argv[1]), sys.argv[2:]
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(program[0], program)
    shown = b""
    while len(shown) < wanted:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the program has ended and its side is closed
            piece = b""
        if not piece:
            sys.exit(f"the program ended early and showed {shown!r}")
        shown += piece
    os.close(terminal)
    for _ in range(1000):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            print("ended with", os.waitstatus_to_exitcode(status))
            return
        time.sleep(0.01)
    os.kill(child, 9)
    sys.exit("the program still runs ten seconds after its terminal was closed")


if __name__ == "__main__":
    main()
