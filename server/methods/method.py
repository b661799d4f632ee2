"""How a method is declared: where it applies, what it needs, where it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from davenport.dav.message import Request, Response
from davenport.server.context import Context
from davenport.server.node import Kind, Node


@dataclass(frozen=True, slots=True)
class Method:
    """One HTTP method.

    `kinds` are the resources it applies to; `privilege` gives what the caller needs on a node,
    by the resource that has to grant it (RFC 3744 app. B). `light` methods may run on the event
    loop. `takes_xml` bounds the body by the limit for XML instead of that for objects. What
    `writes` is run after the snapshot that resolved the path is closed, and reads in its own
    transaction.
    """

    name: str
    kinds: frozenset[Kind]
    privilege: str
    handler: Callable[[Request, Any, Context], Response]
    light: bool = False
    takes_xml: bool = True
    creates: bool = False
    writes: bool = False

    def applies_to(self, node: Node) -> bool:
        """Whether the method is defined on this kind of resource."""
        return node.kind in self.kinds
