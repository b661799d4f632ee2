"""How much work and structure one object may ask for; every limit is counted, none is timed."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one calendar or address object. Its size in bytes is the server's to check."""

    max_properties: int = 20_000
    max_components: int = 1_000
    max_depth: int = 8
    max_attendees: int = 1_000
    rule_steps: int = 100_000
    max_uid_length: int = 1_024  # bytes


# For what was accepted once: a limit of today hides nothing that is stored.
UNLIMITED = Limits(max_properties=sys.maxsize, max_components=sys.maxsize, max_depth=sys.maxsize)
