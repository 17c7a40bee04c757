"""Ends this process when the one that started it is gone, which is when its stdin closes."""

import os
import threading


def end_with_stdin():
    stdin = os.dup(0)  # pytest replaces descriptor 0 later

    def watch():
        while os.read(stdin, 1):
            pass
        os._exit(1)  # the kernel ends by itself then (misc/kernel/parent-watch.cjs)

    threading.Thread(target=watch, daemon=True).start()
