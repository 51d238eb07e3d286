"""Turns at the decoders and at the reader: one picture of an account at a time, and the accounts one after another.

Without turns an account with many requests would have most of the reader. With them an account waits for at most one
picture of each other account.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

ACCOUNT: ContextVar[str] = ContextVar("account", default="")
"""The name of the account that the running request belongs to. The dispatcher sets it in its threads."""


class ReadingTurns:
    """A lock that accounts get in turns, and the requests of one account in order of arrival."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_taken = False
        self._waiting: OrderedDict[str, deque[threading.Event]] = OrderedDict()
        """The requests that wait, by account. The first account is next."""
        self._accounts: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    @contextmanager
    def of_account(self) -> Iterator[None]:
        """Waits until no other request of ``ACCOUNT`` is inside, and holds that."""
        with self._lock:
            own = self._accounts[ACCOUNT.get()]
        with own:
            yield

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits for the turn of ``ACCOUNT``, and holds it."""
        self._acquire(ACCOUNT.get())
        try:
            yield
        finally:
            self._release()

    def _acquire(self, account: str) -> None:
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return
            ready = threading.Event()
            self._waiting.setdefault(account, deque()).append(ready)
        ready.wait()  # the turn is handed over: it stays taken in between

    def _release(self) -> None:
        with self._lock:
            if not self._waiting:
                self._is_taken = False
                return
            account, requests = self._waiting.popitem(last=False)
            requests.popleft().set()
            if requests:
                self._waiting[account] = requests  # at the end
