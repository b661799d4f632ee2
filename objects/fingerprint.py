"""A fingerprint of an object: equal where two bodies say the same, whoever wrote them.

Order, folding, case of enumerations, spelling of time zones, default parameters, base64 wrapping
and what software writes for itself (PRODID, DTSTAMP, X-WR- …) do not count.
"""

import hashlib

from davenport.objects.normal import read_or_none

# Changes with the normal form, so that a stored fingerprint is never held against another form.
_VERSION = b"davenport object 1\n"
_UNREADABLE = b"davenport unreadable 1\n"


def fingerprint(body: bytes, *, ignore_uid: bool = False) -> str:
    """SHA-256 of the normal form of a calendar object or card, in hexadecimal.

    UID counts unless `ignore_uid` (for feeds that make new ones on each fetch). A body that is
    not a sequence of balanced components of content lines in UTF-8 has the SHA-256 of its bytes
    after a prefix of its own: it equals only itself.
    """
    read = read_or_none(body)
    if read is None:
        return hashlib.sha256(_UNREADABLE + body).hexdigest()
    forms = sorted(root.form(ignore_uid=ignore_uid) for root in read[1])
    # repr of nested tuples of str is one text for one value, and never the same for two.
    return hashlib.sha256(_VERSION + repr(forms).encode()).hexdigest()
