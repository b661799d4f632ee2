"""What the parts of a run share: state, sides, options, and how progress is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from davenport.sync.gate import Limits
from davenport.sync.ledger import Ledger
from davenport.sync.plan import End, Rules
from davenport.sync.side import CollectionSide
from davenport.sync.state import State

_WEEK = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one stage of a run is: `done` of `total` on a side, or on both for None."""

    stage: str
    end: End | None
    done: int
    total: int


def untouched(_end: End, body: bytes) -> bytes:
    """The transform of new items that leaves their bytes alone."""
    return body


@dataclass(frozen=True, slots=True)
class Options:
    """How a run goes about it.

    `allow` holds codes of gates that are to let this run pass. `outgoing` is the named transform
    of bodies that a side is given for the first time. A whole listing is asked for at least every
    `audit_seconds`. `config_hash` stands for the filters and settings that decide what is listed.
    `look_before_create` names sides that would store a UID twice: it is searched there first.
    """

    rules: Rules = field(default_factory=Rules)
    limits: Limits = field(default_factory=Limits)
    allow: frozenset[str] = frozenset()
    outgoing: Callable[[End, bytes], bytes] = untouched
    audit_seconds: float = _WEEK
    config_hash: str = ""
    batch: int = 30
    look_before_create: frozenset[End] = frozenset()
    retry_parked: bool = False
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class Work:
    """One run over a pair of collections."""

    state: State
    ledger: Ledger
    run: int
    sides: Mapping[End, CollectionSide]
    options: Options
    progress: Callable[[Progress], None]
    clock: Callable[[], float]

    @property
    def collection(self) -> int:
        """The id of the pair of collections."""
        return self.ledger.collection

    def tell(self, stage: str, end: End | None = None, done: int = 1, total: int = 1) -> None:
        """Report progress."""
        self.progress(Progress(stage, end, done, total))
