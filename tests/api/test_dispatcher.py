"""The dispatcher handles a limited number of requests at once, and answers all of them when it stops."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from edge_lpr.api.dispatcher import MIN_PLACES, Dispatcher
from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.keys import LOCAL, Account
from edge_lpr.api.quota import QuotaBook
from edge_lpr.api.reading_turns import ACCOUNT, ReadingTurns
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


def test_an_account_that_uses_all_its_places_does_not_keep_others_out(tmp_path: Path) -> None:
    action = BlockingAction()
    greedy, other, third = (Account(name) for name in ("greedy", "other", "third"))
    with create_dispatcher(tmp_path, action) as dispatcher:
        futures = [dispatcher.submit({}, greedy) for _ in range(10)]
        refused = [future for future in futures if future.done()]
        assert len(refused) == 8 and {code(future.result()) for future in refused} == {"RequestLimitExceeded"}
        started = [dispatcher.submit({}, account) for account in (other, third)]
        # All of them run at the same time: none waits for the thread of another.
        assert all(action.started.acquire(timeout=DEADLINE_S) for _ in range(4))
        action.released.set()
        assert {code(future.result(DEADLINE_S)) for future in started} == {"FailedOperation.OcrFailed"}


def test_all_accounts_together_have_a_bound_and_newcomers_a_place(tmp_path: Path) -> None:
    action = BlockingAction()
    with create_dispatcher(tmp_path, action, queue=16) as dispatcher:
        greedy = [dispatcher.submit({}, Account(f"greedy {n % 8}")) for n in range(200)]
        assert sum(not future.done() for future in greedy) == MIN_PLACES * 3 // 4
        newcomers = [dispatcher.submit({}, Account(f"newcomer {n}")) for n in range(MIN_PLACES)]
        assert sum(not future.done() for future in newcomers) == MIN_PLACES // 4
        action.released.set()
        for future in [*greedy, *newcomers]:
            future.result(DEADLINE_S)


def test_the_accounts_read_in_turns(tmp_path: Path) -> None:
    turns, order = ReadingTurns(), list[str]()
    first_holds, go = threading.Event(), threading.Event()

    def read(_parameters: Mapping[str, object]) -> list[PlateReading]:
        with turns.turn():
            order.append(ACCOUNT.get())
            first_holds.set()
            assert go.wait(DEADLINE_S)
        raise ApiError(ErrorCode.OCR_FAILED)

    with Dispatcher(read, QuotaBook(tmp_path), requests_per_second=1000, queue=8) as dispatcher:
        futures = [dispatcher.submit({}, Account("greedy"))]
        assert first_holds.wait(DEADLINE_S)
        futures += [dispatcher.submit({}, Account("greedy")) for _ in range(4)]
        while sum(map(len, turns._waiting.values())) < 4:
            assert not futures[-1].done()
        futures += [dispatcher.submit({}, Account(name)) for name in ("other", "third")]
        while sum(map(len, turns._waiting.values())) < 6:
            assert not futures[-1].done()
        go.set()
        for future in futures:
            future.result(DEADLINE_S)
    assert order[:2] == ["greedy", "greedy"] and set(order[2:4]) == {"other", "third"}
    assert order[4:] == ["greedy"] * 3


def test_a_turn_ends_with_an_error_too() -> None:
    turns = ReadingTurns()
    for _ in range(2):
        try:
            with turns.turn():
                raise ApiError(ErrorCode.OCR_FAILED)
        except ApiError:
            continue
    with turns.turn():
        pass
