"""What real clients need of a server, as data: recorded on loopback and from public logs and
sources.

Each row of the tables in this folder names the requirements it holds; a test finds any that none
does.
"""

PROPERTIES = {
    "current-user-principal": "on the base URL, /, the well-known target, principals, collections",
    "principal-URL": "on the same places, as a fallback of KDE and Apple",
    "resourcetype": "collection with calendar or addressbook; principal on principals",
    "home-sets": (
        "calendar and address book home, with a closing slash, on the principal and base URL"
    ),
    "calendar-user-address-set": "mailto: addresses on the principal, for invitations",
    "displayname": "on principals (Apple) and collections",
    "owner": "the principal, on collections (DAVx5; Thunderbird as a fallback)",
    "current-user-privilege-set": "on collections and homes; without write a client is read-only",
    "supported-report-set": "on collections and principals; switches clients to sync-collection",
    "sync-token": "on collections",
    "getctag": "on collections and address books: the only change detection of EDS and KDE",
    "getetag-getcontenttype": "on members; vdirsyncer skips members without a known type",
    "supported-calendar-component-set": "on collections: decides between task list and calendar",
    "calendar-color-order": "on collections, settable, kept as set",
    "descriptions-timezone": "calendar-description, calendar-timezone, addressbook-description",
    "calendar-timezone-id": "in DAVx5's PROPFIND and MKCALENDAR",
    "schedule-calendar-transp": "asked and set by Apple",
    "default-alarms": "Apple sets default alarms on the home: never a 5xx",
    "scheduling-urls": (
        "scheduling, notification, proxy and group properties on the principal: 404 at worst"
    ),
    "schedule-tag": "asked on members",
    "size-limits-address-data": "max-resource-size on both kinds, supported-address-data on books",
    "apple-extras": "subscription, quota, push, sharing, bulk properties: a 404 propstat is enough",
    "acl-dates-executable": (
        "acl, getlastmodified, creationdate, getcontentlength, Apache's executable"
    ),
}

REPORTS = {
    "sync-collection": (
        "Depth 0, 1 and none; without sync-level; data and displayname inside; bad token 403"
    ),
    "calendar-multiget": (
        "Depth 0, 1 and none; hrefs in any spelling; 404 for missing ones; odd properties"
    ),
    "addressbook-multiget": "Depth 0, 1 and none; content-type and version attributes",
    "calendar-query": (
        "time-range open at the end, one query a component, text and parameter filters"
    ),
    "addressbook-query": "anyof, collation, match-type, limit; an empty FN filter means all",
    "free-busy-query": "Depth 1 and none: text/calendar",
    "principal-property-search": (
        "at the home (Depth 0) and the base (Depth 1): 207, possibly empty"
    ),
    "apple-principal-reports": (
        "principal-search-property-set, expand-property, calendarserver's search"
    ),
    "propfind-no-body": "means allprop",
    "propfind-propname": "cadaver's listing",
    "mkcalendar": "DAVx5's resourcetype; Apple's symbolic-color, transp and &#13; in the time zone",
    "extended-mkcol": "calendars (vdirsyncer) and address books (Evolution, DAVx5)",
    "proppatch": "one property at a time; unknown ones never a 5xx",
    "move": "between calendars, or PUT there and DELETE here with the same UID",
    "delete-collection": "with Depth: infinity (Evolution)",
}

HEADERS = {
    "prefer-minimal": (
        "Prefer: return=minimal or Brief: t may drop 404 propstats, never a whole response"
    ),
    "conditional-put": "If-None-Match: * on new objects, If-Match on changes",
}

QUIRKS = {
    "put-on-collection": (
        "Thunderbird's PUT of nothing with If-Match: nothing must be 405, never 412"
    ),
    "well-known": "redirects any method, without a login and without Depth, to the context path",
    "anonymous-401": "always 401 without a login, with one realm on every path, at once",
    "options-anonymous": (
        "200 with the DAV header without a login, on homes, principals and collections"
    ),
    "own-change-syncs": "after a PUT the client's own change is in its next sync",
    "overwrite": (
        "a PUT or DELETE with no precondition at all wins (Thunderbird's cards, EDS, second try)"
    ),
    "card-4": "VERSION:4.0 with Content-Type: text/vcard and no parameter",
    "parallel-puts": "fifteen PUTs at once",
    "no-redirect": "collections are never redirected, with or without the closing slash",
    "uid-per-collection": "one UID may live in two calendars at once",
    "notes-probe": "/.well-known/webdav/Notes/ is 404",
    "uid-query": "calendar-query by a UID prop-filter before saving",
    "colour-kept": "#rrggbb and #rrggbbaa stay as they were set",
    "short-412-body": "a 412 has a short body",
    "event-without-end": "an event with neither DTEND nor DURATION is stored",
    "bare-vcalendar-filter": "calendar-query with only comp-filter VCALENDAR",
    "etag-only-multiget": "multiget that asks getetag only",
    "expect-continue": "Expect: 100-continue on PUT",
    "chunked-put": "Transfer-Encoding: chunked on PUT",
    "strong-etag": "the ETag of a PUT is strong and the one in reports",
    "delete-stale-gone": "412 for DELETE with a stale If-Match, 404 or 410 for what is gone",
    "dav-on-principal": "OPTIONS on the principal tells addressbook and calendar-access",
    "principal-without-slash": "a principal URL without its closing slash works",
    "apple-last-resorts": "/principals/ and /calendar/dav/<user>/user/ answer cleanly",
    "bytes-kept": "X- properties, groups, parameters, order and case of a card stay byte for byte",
    "tasks-only-list": "a collection that takes tasks only",
    "percent-encoding": "user names and members in any spelling of percent-encoding, %40 for @",
    "odd-content-type": "XML and iCalendar under other content types, or none",
    "empty-schedule-tag-match": "Apple's empty If-Schedule-Tag-Match lets a PUT pass",
    "subscription": "MKCALENDAR of a subscription (Apple) is made or cleanly refused",
    "escaped-etag": "older Evolution puts a backslash before the quotes of If-Match",
    "http-1.0": "HTTP/1.0 requests",
    "head": "HEAD answers as GET without a body",
}

REQUIREMENTS = PROPERTIES | REPORTS | HEADERS | QUIRKS
