"""Bodies of a toy format, and what they mean: lines of NAME:value, of which X-NOISE means nothing.

A body with the line BROKEN cannot be read. `Merged` is what a merge gives.
"""

import hashlib
from dataclasses import dataclass

from davenport.sync.plan import Policy, Semantics


@dataclass(frozen=True, slots=True)
class Merged:
    body: bytes
    conflicts: tuple[str, ...]


def body_of(values: dict[str, str]) -> bytes:
    return "".join(f"{name}:{value}\r\n" for name, value in values.items()).encode()


def values_of(body: bytes) -> dict[str, str]:
    text = body.decode()
    if "BROKEN" in text:
        raise ValueError("a broken body")
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def fingerprint(body: bytes) -> str:
    meant = sorted(item for item in values_of(body).items() if not item[0].startswith("X-NOISE"))
    return hashlib.sha256(repr(meant).encode()).hexdigest()[:16]


def merge(base: bytes | None, a: bytes, b: bytes, policy: Policy) -> Merged:
    old = {} if base is None else values_of(base)
    left, right = values_of(a), values_of(b)
    merged = dict(left)
    conflicts = []
    for name in {**old, **left, **right}:
        was, mine, theirs = old.get(name), left.get(name), right.get(name)
        if base is None and None in (mine, theirs):
            chosen = mine or theirs
        elif mine in (theirs, was) or name.startswith("X-NOISE"):
            chosen = theirs
        elif theirs == was:
            chosen = mine
        else:
            chosen = theirs if policy == "b" else mine
            if policy not in {"a", "b"}:
                conflicts.append(name)
        _put(merged, name, chosen)
    return Merged(body_of(merged), tuple(conflicts))


def apply_changes(base: bytes, changed: bytes, current: bytes) -> Merged:
    old, new, now = values_of(base), values_of(changed), values_of(current)
    for name in {**old, **new}:
        if old.get(name) != new.get(name) and not name.startswith("X-NOISE"):
            _put(now, name, new.get(name))
    return Merged(body_of(now), ())


def _put(values: dict[str, str], name: str, value: str | None) -> None:
    if value is None:
        values.pop(name, None)
    else:
        values[name] = value


SEMANTICS = Semantics(
    fingerprint=fingerprint,
    merge=merge,
    apply_changes=apply_changes,
    uid_of=lambda body: values_of(body).get("UID", ""),
)
