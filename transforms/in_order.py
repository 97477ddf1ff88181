"""Work in several threads, whose results come in the order of what was asked."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

THREADS: Final = 8

A = TypeVar("A")
B = TypeVar("B")


def in_order(work: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
    """The results of `work` for each item; only a few items are taken ahead.

    What `work` raises is raised here, and what has not begun by then never does.
    """
    executor = ThreadPoolExecutor(THREADS)
    waiting: deque[Future[B]] = deque()
    try:
        for item in items:
            waiting.append(executor.submit(work, item))
            if len(waiting) >= 2 * THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
