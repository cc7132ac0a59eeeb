"""Long tests begin, on every worker."""

from __future__ import annotations

import random

import pytest

from tests.quick import dealt


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_each_worker_begins_with_long_tests_and_keeps_those_of_a_file(workers: int) -> None:
    chance = random.Random(7)
    tests = [(file, number, chance.random() < 0.2) for file in range(30) for number in range(chance.randrange(1, 40))]
    found = dealt(tests, lambda test: test[2], lambda test: test[0], workers)
    assert sorted(found) == sorted(tests)
    begin, homes = 0, dict[int, set[int]]()
    for worker in range(workers):
        # As xdist hands them out.
        size = (len(tests) - begin) // (workers - worker)
        part = found[begin : begin + size]
        slow = [test[2] for test in part]
        assert slow == sorted(slow, reverse=True)
        assert sum(slow) * workers >= 0.7 * sum(test[2] for test in tests)
        for file, _, is_slow in part:
            if is_slow:
                homes.setdefault(file, set()).add(worker)
        begin += size
    assert all(len(home) == 1 for home in homes.values())


def test_alone_they_keep_their_order() -> None:
    tests = [("b", 1, True), ("a", 2, False), ("a", 3, True), ("b", 4, False), ("b", 5, True)]
    found = dealt(tests, lambda test: test[2], lambda test: test[0], 1)
    assert [number for _, number, _ in found] == [1, 5, 3, 2, 4]


def test_few_are_dealt_as_well() -> None:
    assert dealt([], bool, id, 3) == []
    assert sorted(dealt([1, 2], bool, id, 3)) == [1, 2]
