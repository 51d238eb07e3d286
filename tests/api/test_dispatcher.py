"""The dispatcher handles a limited number of requests at once, and answers all of them when it stops."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from edge_lpr.api.dispatcher import Dispatcher
from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.keys import LOCAL
from edge_lpr.api.quota import QuotaBook
from edge_lpr.messages.answer import Answer, error_code
from edge_lpr.readings import PlateReading

DEADLINE_S = 10.0


class BlockingAction:
    """An action that blocks until ``released`` is set. It then finds no plate."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.released = threading.Event()

    def __call__(self, _parameters: Mapping[str, object]) -> list[PlateReading]:
        self.started.release()
        assert self.released.wait(DEADLINE_S)
        raise ApiError(ErrorCode.OCR_FAILED)


def create_dispatcher(
    tmp_path: Path, action: BlockingAction, *, queue: int = 2, requests_per_second: int = 1000
) -> Dispatcher:
    return Dispatcher(action, QuotaBook(tmp_path), requests_per_second=requests_per_second, queue=queue)


def code(answer: Answer) -> str | None:
    return error_code(answer.response)


def test_a_request_beyond_the_queue_limit_is_refused_at_once(tmp_path: Path) -> None:
    action = BlockingAction()
    with create_dispatcher(tmp_path, action) as dispatcher:
        accepted = [dispatcher.submit({}, LOCAL) for _ in range(2)]
        assert all(action.started.acquire(timeout=DEADLINE_S) for _ in accepted)
        refused = dispatcher.submit({}, LOCAL)
        assert refused.done() and code(refused.result()) == "RequestLimitExceeded"
        action.released.set()
        ids = {future.result(DEADLINE_S).response.request_id for future in [*accepted, refused]}
        assert len(ids) == 3


def test_an_answered_request_frees_its_place(tmp_path: Path) -> None:
    action = BlockingAction()
    action.released.set()
    answered = threading.Event()
    with create_dispatcher(tmp_path, action, queue=1) as dispatcher:
        for _ in range(5):
            answered.clear()
            future = dispatcher.submit({}, LOCAL)
            # The callback runs after the place is free. ``result`` may return before that.
            future.add_done_callback(lambda _: answered.set())
            assert code(future.result(DEADLINE_S)) == "FailedOperation.OcrFailed"
            assert answered.wait(DEADLINE_S)


def test_after_a_stop_running_requests_are_answered_and_new_ones_are_refused(tmp_path: Path) -> None:
    action = BlockingAction()
    dispatcher = create_dispatcher(tmp_path, action)
    assert code(dispatcher.submit({}, LOCAL).result()) == "RequestLimitExceeded"
    with dispatcher:
        running = dispatcher.submit({}, LOCAL)
        assert action.started.acquire(timeout=DEADLINE_S)
    assert code(dispatcher.submit({}, LOCAL).result()) == "RequestLimitExceeded"
    action.released.set()
    assert code(running.result(DEADLINE_S)) == "FailedOperation.OcrFailed"
