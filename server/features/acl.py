"""Principals and privileges: RFC 3744's properties, RFC 5397."""

from collections.abc import Sequence

from davenport.dav import webdav
from davenport.server.access import privileges
from davenport.server.context import Context
from davenport.server.feature import Feature
from davenport.server.node import (
    COLLECTIONS,
    HOMES,
    MAPPED,
    OBJECTS,
    CollectionNode,
    HomeNode,
    Kind,
    Node,
    ObjectNode,
    PrincipalNode,
)

ACL = Feature("acl")


@ACL.property(webdav.CURRENT_USER_PRINCIPAL, *MAPPED)
def current_user_principal(_: Node, context: Context) -> str:
    """RFC 5397 §3."""
    return context.hrefs.principal(context.identity.principal)


@ACL.property(webdav.PRINCIPAL_URL, Kind.PRINCIPAL, Kind.ROOT)
def principal_url(_: Node, context: Context) -> str:
    """RFC 3744 §4.2; on the roots too, where clients that know no RFC 5397 look for it."""
    return context.hrefs.principal(context.identity.principal)


@ACL.property(webdav.PRINCIPAL_COLLECTION_SET, *MAPPED)
def principal_collection_set(_: Node, context: Context) -> str:
    """RFC 3744 §5.8."""
    return context.hrefs.principals


@ACL.property(webdav.GROUP_MEMBERSHIP, Kind.PRINCIPAL)
def group_membership(_: PrincipalNode, __: Context) -> Sequence[str]:
    """RFC 3744 §4.4: there are no groups."""
    return ()


@ACL.property(webdav.OWNER, *HOMES, *COLLECTIONS, *OBJECTS)
def owner(node: HomeNode | CollectionNode | ObjectNode, context: Context) -> str:
    """RFC 3744 §5.1."""
    return context.hrefs.principal(node.owner)


@ACL.property(webdav.CURRENT_USER_PRIVILEGE_SET, *MAPPED)
def current_user_privilege_set(node: Node, context: Context) -> Sequence[str]:
    """RFC 3744 §5.4: exactly what the methods will allow."""
    return privileges(context.identity, node.kind)


@ACL.property(webdav.EMAIL_ADDRESS_SET, Kind.PRINCIPAL)
def email_address_set(node: PrincipalNode, _: Context) -> Sequence[str]:
    """CalendarServer's list of a principal's addresses."""
    return (node.principal.email,) if node.principal.email else ()
