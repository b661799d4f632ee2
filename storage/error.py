"""What storage raises: faults of the store, and facts that a caller must answer."""


class StoreError(Exception):
    """The store cannot answer: unreachable, damaged, closed or misused."""


class StoreBusy(StoreError):  # noqa: N818
    """Other writers kept the store for too long; the same request may succeed later."""


class StoreFull(StoreError):  # noqa: N818
    """No room to write; nothing of the write was kept and reads go on."""


class SchemaTooNew(StoreError):  # noqa: N818
    """The store was written by a later version of davenport."""


class Refusal(Exception):  # noqa: N818
    """The store works, but the stored state does not allow what was asked."""


class Gone(Refusal):
    """The collection or object was removed after the caller had read it."""


class NameConflict(Refusal):
    """A live principal or collection already bears the name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the name {name!r} is taken")
        self.name = name


class UidConflict(Refusal):
    """Another object of the collection holds the UID (RFC 4791 §5.3.2.1, RFC 6352 §6.3.2.1)."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the object {name!r} has the same UID")
        self.name = name


class InvalidSyncToken(Refusal):
    """The token cannot be answered exactly: DAV:valid-sync-token (RFC 6578 §3.2)."""
