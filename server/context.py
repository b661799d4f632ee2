"""Who asks, on what data: what every handler is given."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from davenport.server.auth import Identity
from davenport.server.config import Configuration
from davenport.server.hrefs import Hrefs
from davenport.server.vocabulary import Vocabulary
from davenport.storage.database import Store, Transaction


@dataclass(frozen=True, slots=True)
class Context:
    """One request's surroundings; `now` gives UTC seconds."""

    identity: Identity
    transaction: Transaction
    store: Store
    configuration: Configuration
    hrefs: Hrefs
    now: Callable[[], int]
    vocabulary: Vocabulary

    def at(self, transaction: Transaction) -> "Context":
        """The same surroundings in another snapshot."""
        return replace(self, transaction=transaction)
