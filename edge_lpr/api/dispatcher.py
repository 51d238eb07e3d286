"""The dispatcher: takes requests from HTTP and MQTT, bounds their number, and processes them in its own threads.

Each account has a bounded number of places; a request beyond it is answered ``RequestLimitExceeded`` at once. All
accounts together have a bound too, and the last places are for accounts that have none. So an account whose downloads
hang holds only its own places. Pictures are read one at a time, and the accounts take turns (``reading_turns``).
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.fair_shares import FairShares
from edge_lpr.api.keys import Account
from edge_lpr.api.quota import QuotaBook
from edge_lpr.api.reading_turns import ACCOUNT
from edge_lpr.messages.answer import Answer, error_answer, plate_answer
from edge_lpr.messages.encoding import new_request_id
from edge_lpr.readings import PlateReading
from edge_lpr.web.rate_limit import RateLimit

Perform = Callable[[Mapping[str, object]], Sequence[PlateReading]]
"""An action: returns the plates for its parameters, at least one. Raises ApiError."""

Job = Callable[[], Sequence[PlateReading]]
"""An action with its parameters."""

MIN_PLACES = 64
"""The places of all accounts together, or twice those of one account if that is more."""

_log = logging.getLogger(__name__)


class Dispatcher:
    """Takes requests from any thread and returns a Future for each. A context manager, or ``start`` and ``stop``."""

    def __init__(self, perform: Perform, quotas: QuotaBook, *, requests_per_second: int, queue: int) -> None:
        """``requests_per_second`` bounds each account. So does ``queue``: its requests that wait or run."""
        self.perform = perform
        self._quotas = quotas
        self._rate = RateLimit(requests_per_second)
        self._places = FairShares(total=max(MIN_PLACES, 2 * queue), of_one=queue)
        self._workers: ThreadPoolExecutor | None = None

    def start(self) -> None:
        """Starts to take requests."""
        # One thread for each place: a download of three seconds must not keep another request from the reader.
        self._workers = ThreadPoolExecutor(self._places.total, "api")

    def stop(self) -> None:
        """Takes no more requests. Waiting ones are cancelled; running ones end within the time limit of a download."""
        workers, self._workers = self._workers, None
        if workers is not None:
            workers.shutdown(wait=False, cancel_futures=True)
        self._quotas.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def submit(self, parameters: Mapping[str, object], account: Account) -> Future[Answer]:
        """Submits a request. Its answer is the API's ``{"Response": …}``; every failure becomes an error answer.

        Never waits. The future never holds an exception; it is cancelled when the dispatcher stops.
        """
        return self.submit_job(functools.partial(self.perform, parameters), account)

    def submit_job(self, job: Job, account: Account) -> Future[Answer]:
        """Submits a job that returns plates; it runs in one of the dispatcher's threads."""
        request_id = new_request_id()
        refused: Future[Answer] = Future()
        try:
            workers = self._admit(account)
        except ApiError as error:
            refused.set_result(error_answer(error.code, error.message, request_id))
            return refused
        try:
            future = workers.submit(self._answer, job, account, request_id)
        except RuntimeError:  # the dispatcher has just stopped
            self._places.give_back(account.name)
            refused.cancel()
            return refused
        future.add_done_callback(lambda _: self._places.give_back(account.name))
        return future

    def _admit(self, account: Account) -> ThreadPoolExecutor:
        workers = self._workers
        if not self._rate.admits(account.name, time.monotonic()):
            raise ApiError(ErrorCode.REQUEST_LIMIT_EXCEEDED, "Too many requests a second for this key.")
        if workers is None or not self._places.take(account.name):
            raise ApiError(ErrorCode.REQUEST_LIMIT_EXCEEDED, "The gate is busy; try again in a moment.")
        return workers

    def _answer(self, job: Job, account: Account, request_id: str) -> Answer:
        ACCOUNT.set(account.name)
        try:
            readings = self._metered(job, account)
        except ApiError as error:
            return error_answer(error.code, error.message, request_id)
        except Exception as error:  # the one place where an internal error becomes an answer
            _log.exception("request %s failed", request_id, exc_info=error)
            fault = ErrorCode.INTERNAL_ERROR
            return error_answer(fault, fault.message, request_id)
        return plate_answer(readings, request_id)

    def _metered(self, job: Job, account: Account) -> Sequence[PlateReading]:
        self._quotas.take(account)
        answered = False
        try:
            readings = job()
            answered = True
            return readings
        finally:
            if not answered:
                self._quotas.give_back(account)
