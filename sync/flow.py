"""Conversations as generators: they yield requests, are sent responses, and do no I/O."""

from collections.abc import Callable, Generator
from typing import TypeVar

from davenport.dav.message import Request, Response

T = TypeVar("T")

Flow = Generator[Request, Response, T]
Send = Callable[[Request], Response]


def drive(flow: Flow[T], send: Send) -> T:
    """Run a flow to its result; `send` is a transport, or a server's own request function."""
    try:
        request = next(flow)
        while True:
            request = flow.send(send(request))
    except StopIteration as stop:
        result: T = stop.value
        return result
