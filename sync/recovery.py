"""After a crash: what was under way is found out by reading, before anything else is done."""

from davenport.sync.intent import Intent, Stage, acknowledge, advance, unfinished
from davenport.sync.landing import Landing, look
from davenport.sync.work import Work
from davenport.sync.writing import Report, finish, reread

_IN_DOUBT = (Stage.SENT, Stage.UNKNOWN)


def recover(work: Work) -> int:
    """End every intent that a former run left open; how many there were.

    What was planned and never sent is decided anew. What was sent is looked for, what landed is
    settled as if the answer had come. Raises SideError where reading fails: then nothing may be
    written to the collection.
    """
    left = unfinished(work.state, work.collection)
    if not left:
        return 0
    for number, intent in enumerate(left, 1):
        if intent.stage in _IN_DOUBT:
            _find_out(work, intent)
        elif intent.stage is Stage.PLANNED:
            with work.state.transaction():
                advance(work.state, intent, Stage.STALE, "not sent before the run ended")
        work.tell("recovered", intent.end, number, len(left))
    finish(work, Report())
    return len(left)


def _find_out(work: Work, intent: Intent) -> None:
    with work.state.transaction():
        advance(work.state, intent, Stage.UNKNOWN)
    found = look(work, intent)
    if found.landing is Landing.LANDED:
        href = found.item.href if found.item else intent.href
        with work.state.transaction():
            acknowledge(work.state, intent, href, None, answered=False)
        return
    if found.landing is Landing.OTHERWISE:
        reread(work, intent, found.item)
    with work.state.transaction():
        advance(work.state, intent, Stage.STALE, found.landing.name.lower())
        work.state.record(work.run, "recovered", intent.key, found.landing.name.lower())
