"""Processes that must not outlive the one that has started them."""

import multiprocessing
import os
import threading


def end_with_parent() -> None:
    """End this process, started by multiprocessing, as soon as the one that has started it ends, however that ends.

    With a fork server this is not the parent that the system knows.
    """
    threading.Thread(target=_wait_for_parent_to_end, daemon=True).start()


def _wait_for_parent_to_end() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    os._exit(1)
