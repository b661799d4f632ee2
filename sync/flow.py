"""Conversations as generators: they yield requests, are sent responses, and do no I/O."""

from collections.abc import Callable, Generator
from typing import TypeVar

from davenport.dav.message import Request, Response
from davenport.sync.side import SideError

T = TypeVar("T")

Flow = Generator[Request, Response, T]
Send = Callable[[Request], Response]


def drive(flow: Flow[T], send: Send) -> T:
    """Run a flow to its result; `send` is a transport, or a server's own request function.

    A SideError of `send` is raised where the flow waits for the response.
    """
    try:
        request = next(flow)
        while True:
            try:
                response = send(request)
            except SideError as error:
                request = flow.throw(error)
            else:
                request = flow.send(response)
    except StopIteration as stop:
        result: T = stop.value
        return result
