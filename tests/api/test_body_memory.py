"""The memory of request bodies: charged to the network of the client first, to the account once it is authenticated."""

from __future__ import annotations

from edge_lpr.api.body_memory import MAX_ADMITTED, MAX_BODY, MAX_HELD_BY_ONE, MAX_INCOMING, BodyMemory, Holding
from edge_lpr.api.fair_shares import FairShares


def holding(evicted: list[str], name: str, network: str) -> Holding:
    return Holding(network, lambda: evicted.append(name))


def test_the_body_that_began_first_makes_room_for_a_new_one() -> None:
    memory, evicted = BodyMemory(), list[str]()
    bodies = [holding(evicted, str(number), "a") for number in range(5)]
    for body in bodies:
        assert memory.take(body, MAX_INCOMING // 2)
    assert evicted == ["0", "1", "2"]
    assert not memory.take(bodies[3], 1)  # it is the oldest itself
    memory.release(bodies[3])
    assert memory.take(bodies[4], 1)


def test_the_network_that_holds_most_makes_room_for_others() -> None:
    memory, evicted = BodyMemory(), list[str]()
    small = holding(evicted, "small", "b")
    assert memory.take(small, 1000)
    for number in range(20):
        assert memory.take(holding(evicted, str(number), "a"), MAX_INCOMING // 3)
    assert "small" not in evicted and len(evicted) == 18
    assert memory.take(small, 1000)


def test_a_body_that_is_verified_keeps_its_memory() -> None:
    memory, evicted = BodyMemory(), list[str]()
    first, second, third = (holding(evicted, name, "a") for name in ("first", "second", "third"))
    for body in (first, second):
        assert memory.take(body, MAX_INCOMING // 2)
    memory.pin(first)
    assert memory.take(third, 1)
    assert evicted == ["second"]
    memory.pin(third)
    assert not memory.take(holding(evicted, "fourth", "a"), MAX_INCOMING)


def test_an_admitted_body_is_charged_to_its_account() -> None:
    memory, evicted = BodyMemory(), list[str]()
    held: dict[str, list[Holding]] = {"one": [], "two": []}
    for account, bodies in held.items():
        for _ in range(4):
            body = holding(evicted, account, "a")
            assert memory.take(body, MAX_BODY)
            if memory.admit(body, account):
                bodies.append(body)
            else:
                memory.release(body)
    assert len(held["one"]) == MAX_HELD_BY_ONE // MAX_BODY
    assert sum(map(len, held.values())) == (MAX_ADMITTED - MAX_ADMITTED // 4) // MAX_BODY
    newcomer = holding(evicted, "three", "a")
    assert memory.take(newcomer, MAX_BODY) and memory.admit(newcomer, "three")
    memory.release(held["one"][0])
    assert not evicted


def test_the_last_quarter_is_for_accounts_that_hold_nothing() -> None:
    shares = FairShares(total=16, of_one=8)
    assert [shares.take("greedy") for _ in range(10)].count(True) == 8
    assert [shares.take("also greedy") for _ in range(10)].count(True) == 4
    assert [shares.take(f"account {number}") for number in range(6)].count(True) == 4
    shares.give_back("greedy", 8)
    assert shares.take("account 6", 8)
