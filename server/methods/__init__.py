"""The method table: every method the server knows, in the order of the Allow header."""

from collections.abc import Mapping

from davenport.server.methods.delete import DELETE
from davenport.server.methods.get import GET, HEAD
from davenport.server.methods.method import Method
from davenport.server.methods.mkcol import MKCALENDAR, MKCOL
from davenport.server.methods.propfind import PROPFIND
from davenport.server.methods.proppatch import PROPPATCH
from davenport.server.methods.put import PUT
from davenport.server.methods.report import REPORT
from davenport.server.node import Kind

METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, MKCALENDAR, MKCOL, REPORT)
}


def allow(kind: Kind) -> str:
    """The Allow header of a kind of resource (RFC 9110 §10.2.1)."""
    return ", ".join(
        ["OPTIONS", *(name for name, method in METHODS.items() if kind in method.kinds)]
    )
