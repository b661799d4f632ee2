"""Which properties an answer holds, and their values: live ones by getter, dead ones as stored."""

from collections.abc import Mapping
from dataclasses import dataclass

from davenport.dav import xml
from davenport.dav.multistatus import property_response
from davenport.dav.name import CALDAV, CARDDAV
from davenport.dav.propfind import PropertyRequest
from davenport.server.context import Context
from davenport.server.node import CollectionNode, HomeNode, Kind, Node, ObjectNode
from davenport.server.vocabulary import LiveProperty

_NONE: Mapping[str, str] = {}
# RFC 4791 §5.2 and RFC 6352 §6.2 keep their properties out of allprop, settable ones too.
_NOT_IN_ALLPROP = (CALDAV(""), CARDDAV(""))


@dataclass(frozen=True, slots=True)
class Selection:
    """The properties to answer for resources of one kind.

    `asked` are names with their getter (None: a dead property or an unknown one); `dead` adds
    every stored property; `names_only` answers propname. Absent ones are left out when `minimal`.
    """

    asked: tuple[tuple[str, LiveProperty | None], ...]
    dead: bool = False
    names_only: bool = False
    minimal: bool = False


def select(
    request: PropertyRequest,
    kind: Kind,
    context: Context,
    *,
    minimal: bool = False,
    with_data: bool = False,
) -> Selection:
    """Work out once per answer which getters a request needs for a kind of resource.

    `with_data`: calendar-data or address-data is given to `response` and so not looked for.
    """
    live = context.vocabulary.properties[kind]
    if request.kind == "prop":
        data = request.data.name if request.data and with_data else None
        asked = [(name, live.get(name)) for name in request.names if name != data]
        return Selection(tuple(asked), minimal=minimal)
    if request.kind == "propname":
        return Selection(tuple(live.items()), dead=True, names_only=True, minimal=True)
    names = [name for name, one in live.items() if one.property.allprop]
    names += [name for name in request.names if name not in names]
    return Selection(tuple((name, live.get(name)) for name in names), dead=True, minimal=True)


def stored_properties(node: Node) -> Mapping[str, str]:
    """The settable and dead properties kept with a resource: Clark name to whole element."""
    match node:
        case CollectionNode():
            return node.collection.properties
        case HomeNode():
            return node.home.properties
        case ObjectNode():
            return node.resource.properties
        case _:
            return _NONE


def response(node: Node, selection: Selection, context: Context, data: str | None = None) -> str:
    """The DAV:response of one resource; `data` is a complete calendar-data or address-data."""
    found: list[str] = []
    missing: list[str] = []
    stored = stored_properties(node)
    for name, live in selection.asked:
        fragment = stored.get(name)
        if fragment is None and live is not None:
            fragment = live.fragment(node, context)
        if fragment is None:
            missing.append(name)
        else:
            found.append(xml.element(name) if selection.names_only else fragment)
    if selection.dead:
        others = stored.keys() - context.vocabulary.properties[node.kind].keys()
        others -= {name for name, _ in selection.asked}
        found += [
            xml.element(name) if selection.names_only else source
            for name, source in stored.items()
            if name in others and (selection.names_only or not name.startswith(_NOT_IN_ALLPROP))
        ]
    if data is not None:
        found.append(data)
    return property_response(node.href, found, () if selection.minimal else missing)
