"""The features in their order, and the tables that everything the server says of itself is
derived from: compliance tokens, properties, validators, reports."""

from collections.abc import Mapping

from davenport.server.feature import Feature, LiveProperty, ReportEntry, Validator
from davenport.server.features.acl import ACL
from davenport.server.features.calendar import CALENDAR
from davenport.server.features.contacts import CONTACTS
from davenport.server.features.sync import SYNC
from davenport.server.features.webdav import WEBDAV
from davenport.server.node import MAPPED, Kind

FEATURES: tuple[Feature, ...] = (WEBDAV, ACL, SYNC, CALENDAR, CONTACTS)

COMPLIANCE = ", ".join(token for feature in FEATURES for token in feature.compliance)

PROPERTIES: Mapping[Kind, Mapping[str, LiveProperty]] = {
    kind: {
        name: live
        for feature in FEATURES
        for name, live in feature.properties.get(kind, {}).items()
    }
    for kind in MAPPED
}

VALIDATORS: Mapping[str, Validator] = {
    name: validator for feature in FEATURES for name, validator in feature.validators.items()
}

REPORTS: tuple[ReportEntry, ...] = tuple(
    report for feature in FEATURES for report in feature.reports
)


def report_named(name: str, kind: Kind) -> ReportEntry | None:
    """The report of this name on resources of a kind."""
    return next((entry for entry in REPORTS if entry.name == name and kind in entry.kinds), None)
