"""REPORT (RFC 3253 §3.6): the body names the report, the features' table answers it."""

from davenport.dav import xml
from davenport.dav.message import Request, Response
from davenport.dav.precondition import Precondition, PreconditionError
from davenport.dav.report import READERS, Report
from davenport.server import access
from davenport.server.context import Context
from davenport.server.methods.method import Method
from davenport.server.node import MAPPED, Node
from davenport.server.vocabulary import Vocabulary


def report(request: Request, node: Node, context: Context) -> Response:
    """Read and answer a report; one that is not defined on the node is refused."""
    root = xml.parse(request.body, context.configuration.limits.xml)
    name = xml.tag(root)
    entry = context.vocabulary.report(name, node.kind)
    if entry is None:
        raise PreconditionError(
            Precondition.SUPPORTED_REPORT, f"the report {name} is not supported on this resource"
        )
    return entry.handler(READERS[name](root), node, context)


def is_light(request: Request, limits: xml.XmlLimits, vocabulary: Vocabulary) -> bool:
    """Whether a report may run on the event loop: declared light by its feature."""
    root = xml.parse(request.body, limits)
    name = xml.tag(root)
    light = [entry.light for entry in vocabulary.reports if entry.name == name]
    if not light:
        return True
    body: Report = READERS[name](root)
    return all(is_light(body) for is_light in light)


REPORT = Method("REPORT", MAPPED, access.READ, report, light=True)
