"""How fast one host is asked: so many requests at once, so many a second, none while it wants
rest."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Pace:
    """Turns of requests, for each host on its own; `rate` is in requests a second."""

    def __init__(self, concurrency: int, rate: float | None) -> None:
        self._concurrency = concurrency
        self._interval = 0.0 if rate is None else 1.0 / rate
        self._lock = threading.Lock()
        self._slots: dict[str, threading.Semaphore] = {}
        self._next: dict[str, float] = {}

    @contextmanager
    def turn(self, host: str) -> Iterator[None]:
        """Wait for a turn and hold it."""
        with self._lock:
            slots = self._slots.setdefault(host, threading.Semaphore(self._concurrency))
        with slots:
            wait = self._reserve(host)
            if wait > 0:
                time.sleep(wait)
            yield

    def _reserve(self, host: str) -> float:
        """Take the next moment that is free; seconds until then."""
        with self._lock:
            now = time.monotonic()
            moment = max(now, self._next.get(host, now))
            self._next[host] = moment + self._interval
            return moment - now

    def hold(self, host: str, seconds: float) -> None:
        """Ask nothing of a host for so many seconds."""
        with self._lock:
            moment = time.monotonic() + seconds
            self._next[host] = max(self._next.get(host, moment), moment)
