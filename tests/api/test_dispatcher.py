"""The dispatcher: as many requests at once as it has places, and nothing left hanging when it stops."""

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


class Held:
    """An action that begins at once and ends when it is let go, with no plate."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Event()

    def __call__(self, _parameters: Mapping[str, object]) -> list[PlateReading]:
        self.begun.release()
        assert self.let_go.wait(DEADLINE_S)
        raise ApiError(ErrorCode.OCR_FAILED)


def create_dispatcher(tmp_path: Path, action: Held, *, queue: int = 2, requests_per_second: int = 1000) -> Dispatcher:
    return Dispatcher(action, QuotaBook(tmp_path), requests_per_second=requests_per_second, queue=queue)


def code(answer: Answer) -> str | None:
    return error_code(answer.response)


def test_one_request_more_than_there_are_places_is_refused_at_once(tmp_path: Path) -> None:
    action = Held()
    with create_dispatcher(tmp_path, action) as dispatcher:
        taken = [dispatcher.submit({}, LOCAL) for _ in range(2)]
        assert all(action.begun.acquire(timeout=DEADLINE_S) for _ in taken)
        refused = dispatcher.submit({}, LOCAL)
        assert refused.done() and code(refused.result()) == "RequestLimitExceeded"
        action.let_go.set()
        ids = {future.result(DEADLINE_S).response.request_id for future in [*taken, refused]}
        assert len(ids) == 3


def test_places_are_free_again_after_the_answer(tmp_path: Path) -> None:
    action = Held()
    action.let_go.set()
    answered = threading.Event()
    with create_dispatcher(tmp_path, action, queue=1) as dispatcher:
        for _ in range(5):
            answered.clear()
            future = dispatcher.submit({}, LOCAL)
            # A callback is told after the place is free; a waiting thread may be woken before.
            future.add_done_callback(lambda _: answered.set())
            assert code(future.result(DEADLINE_S)) == "FailedOperation.OcrFailed"
            assert answered.wait(DEADLINE_S)


def test_stopping_answers_what_is_at_work_and_takes_nothing_more(tmp_path: Path) -> None:
    action = Held()
    closed = create_dispatcher(tmp_path, action)
    assert code(closed.submit({}, LOCAL).result()) == "RequestLimitExceeded"
    with closed:
        at_work = closed.submit({}, LOCAL)
        assert action.begun.acquire(timeout=DEADLINE_S)
    assert code(closed.submit({}, LOCAL).result()) == "RequestLimitExceeded"
    action.let_go.set()
    assert code(at_work.result(DEADLINE_S)) == "FailedOperation.OcrFailed"
