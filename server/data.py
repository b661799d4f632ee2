"""calendar-data and address-data in reports: which forms can be answered, and their elements."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from davenport.dav import caldav, carddav, xml
from davenport.dav.precondition import Precondition, PreconditionError
from davenport.dav.propfind import DataRequest, PropertyRequest
from davenport.server.context import Context
from davenport.server.node import Kind
from davenport.storage import object_resources
from davenport.storage.model import ObjectResource

_BATCH_ROWS = 500
_BATCH_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class DataForm:
    """What one kind of collection answers for bodies, and how it refuses anything else."""

    name: str
    content_type: str
    versions: tuple[str, ...]
    precondition: Precondition


_FORMS = {
    Kind.CALENDAR: DataForm(
        caldav.CALENDAR_DATA, "text/calendar", ("2.0",), Precondition.SUPPORTED_CALENDAR_DATA
    ),
    Kind.ADDRESSBOOK: DataForm(
        carddav.ADDRESS_DATA, "text/vcard", ("3.0", "4.0"), Precondition.SUPPORTED_ADDRESS_DATA
    ),
}


def wanted(properties: PropertyRequest, kind: Kind) -> bool:
    """Whether bodies are asked for.

    Raises PreconditionError supported-calendar-data or supported-address-data for a media type
    or version that is not kept, and for a part, an expansion or a limit of the object: what a
    request asks for is answered or refused, never ignored.
    """
    data = properties.data
    form = _FORMS.get(kind)
    if data is None or form is None or data.name != form.name:
        return False
    if _refused(data, form):
        raise PreconditionError(
            form.precondition,
            f"only whole objects of type {form.content_type}, version "
            f"{' or '.join(form.versions)}, can be answered",
        )
    return True


def _refused(data: DataRequest, form: DataForm) -> bool:
    content_type = (data.content_type or form.content_type).partition(";")[0].strip().lower()
    return (
        content_type != form.content_type
        or (data.version is not None and data.version not in form.versions)
        or data.selects
    )


def element(kind: Kind, body: bytes) -> str:
    """The complete calendar-data or address-data element of a stored body."""
    text = body.decode()
    if "\ufffe" in text or "\uffff" in text:
        # XML 1.0 §2.2 has no way to carry these two; GET gives the bytes.
        text = text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
    return xml.element(_FORMS[kind].name, xml.escape(text))


def batches(resources: Sequence[ObjectResource]) -> Iterator[Sequence[ObjectResource]]:
    """Cut rows into runs whose bodies fit in memory together."""
    start, size = 0, 0
    for position, resource in enumerate(resources):
        if position > start and (
            position - start >= _BATCH_ROWS or size + resource.size > _BATCH_BYTES
        ):
            yield resources[start:position]
            start, size = position, 0
        size += resource.size
    if start < len(resources):
        yield resources[start:]


def bodies(context: Context, resources: Sequence[ObjectResource]) -> Iterator[bytes | None]:
    """The body of each row in turn, None for a pruned one; read in batches, each in a snapshot."""
    for batch in batches(resources):
        with context.store.read() as transaction:
            found = object_resources.bodies(transaction, batch)
        for resource in batch:
            yield found.get(resource.id)
