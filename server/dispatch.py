"""From a request to its answer: the method table, the tree, the privilege, the handler, errors."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import time

from davenport.dav import xml
from davenport.dav.message import XML, Request, Response
from davenport.dav.precondition import Precondition, PreconditionError, StatusError
from davenport.server import access, tree
from davenport.server.auth import Identity
from davenport.server.config import Configuration
from davenport.server.context import Context
from davenport.server.features import VOCABULARY
from davenport.server.hrefs import Hrefs
from davenport.server.methods import METHODS, allow
from davenport.server.methods.method import Method
from davenport.server.methods.report import is_light
from davenport.server.node import UNMAPPED, Kind, Node
from davenport.storage.database import Store
from davenport.storage.error import Gone, StoreBusy, StoreError, StoreFull

# Larger bodies are not parsed on the event loop.
_SMALL_BODY = 8_192


@dataclass(frozen=True, slots=True)
class Call:
    """A request that waits to be run: `light` ones may run on the event loop."""

    light: bool
    run: Callable[[], Response]


class Dispatcher:
    """Answers requests of identities that are authenticated already; synchronous."""

    def __init__(
        self,
        configuration: Configuration,
        store: Store,
        now: Callable[[], int] = lambda: int(time()),
    ) -> None:
        self._configuration = configuration
        self._store = store
        self._now = now
        self._hrefs = Hrefs(configuration.path_prefix)

    def method(self, name: str, path: str) -> Method:
        """The declaration of a method; raises StatusError 405 for one that is not known."""
        method = METHODS.get(name)
        if method is None:
            raise StatusError(
                405, f"the method {name} is not known", (("Allow", self.options(path)),)
            )
        return method

    def options(self, path: str) -> str:
        """The Allow header for what an existing resource at `path` would be."""
        return allow(self._shape(path) or Kind.ROOT)

    def _shape(self, path: str) -> Kind | None:
        if path == "*":
            return None
        configuration = self._configuration
        return tree.shape(
            tree.segments_below_prefix(
                path, configuration.path_prefix, configuration.limits.segment
            )
        )

    def call(self, request: Request, identity: Identity) -> Call:
        """Decide where a request runs; the body must be complete."""
        method = METHODS[request.method]
        light = self._store.local and method.light and len(request.body) <= _SMALL_BODY
        if light and method.name == "REPORT":
            light = is_light(request, self._configuration.limits.xml, VOCABULARY)
        return Call(light, partial(self._run, method, request, identity))

    def _run(self, method: Method, request: Request, identity: Identity) -> Response:
        with self._store.read() as transaction:
            context = Context(
                identity=identity,
                transaction=transaction,
                store=self._store,
                configuration=self._configuration,
                hrefs=self._hrefs,
                now=self._now,
                vocabulary=VOCABULARY,
            )
            node = tree.resolve(request.path, context)
            _require_applicable(method, node)
            granting, href = _granting(method, node)
            access.require(identity, granting, method.privilege, href)
            if not method.writes:
                return method.handler(request, node, context)
        return method.handler(request, node, context)


def _require_applicable(method: Method, node: Node) -> None:
    if node.kind in UNMAPPED and not method.creates:
        raise tree.NOT_FOUND
    if not method.applies_to(node):
        raise StatusError(
            405,
            f"{method.name} is not defined on a {node.kind.value}",
            (("Allow", allow(node.kind)),),
        )


def _granting(method: Method, node: Node) -> tuple[Kind, str]:
    """The kind and href of the resource that has to grant the privilege.

    Adding or removing a member asks the collection that holds it (RFC 3744 app. B).
    """
    asks_parent = method.privilege in {access.BIND, access.UNBIND} or node.kind in UNMAPPED
    if not asks_parent or node.kind not in _PARENT:
        return node.kind, node.href
    return _PARENT[node.kind], node.href.rstrip("/").rpartition("/")[0] + "/"


_PARENT = {
    Kind.CALENDAR_OBJECT: Kind.CALENDAR,
    Kind.ADDRESS_OBJECT: Kind.ADDRESSBOOK,
    Kind.CALENDAR: Kind.CALENDAR_HOME,
    Kind.ADDRESSBOOK: Kind.ADDRESSBOOK_HOME,
    Kind.UNMAPPED_COLLECTION: Kind.CALENDAR_HOME,
    Kind.UNMAPPED_OBJECT: Kind.CALENDAR,
    Kind.ORPHAN: Kind.CALENDAR,
}


def error_response(error: StatusError | StoreError | Gone) -> Response:
    """The answer to an error: its status, and for a precondition its element in DAV:error."""
    if isinstance(error, StoreFull):
        reason = "there is no room to store this"
        error = PreconditionError(Precondition.SUFFICIENT_DISK_SPACE, reason)
    if isinstance(error, PreconditionError):
        content = xml.element(error.precondition.element, error.content)
        comment = f"<!-- {_comment(str(error))} -->"
        body = xml.document("{DAV:}error", content + comment)
        return Response(error.status, {"content-type": XML}, body)
    if isinstance(error, StatusError):
        headers = {name.lower(): value for name, value in error.headers}
        return _plain(error.status, error.reason, headers)
    if isinstance(error, Gone):
        return _plain(404, "the resource was removed meanwhile", {})
    if isinstance(error, StoreBusy):
        return _plain(503, "the store is busy; try again", {"retry-after": "5"})
    return _plain(503, "the store cannot answer", {"retry-after": "30"})


def _plain(status: int, reason: str, headers: dict[str, str]) -> Response:
    text = f"{reason}\n".encode()
    return Response(status, {"content-type": "text/plain; charset=utf-8", **headers}, text)


def _comment(text: str) -> str:
    """Text that may stand in an XML comment: no '--', no control characters."""
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return xml.escape(printable.replace("-", "\u2010") if "--" in printable else printable).rstrip(
        "-"
    )
