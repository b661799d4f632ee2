"""The features in their order; the server's vocabulary is what they declare together."""

from davenport.server.feature import Feature
from davenport.server.features.acl import ACL
from davenport.server.features.calendar import CALENDAR
from davenport.server.features.contacts import CONTACTS
from davenport.server.features.sync import SYNC
from davenport.server.features.webdav import WEBDAV
from davenport.server.node import MAPPED
from davenport.server.vocabulary import Vocabulary

FEATURES: tuple[Feature, ...] = (WEBDAV, ACL, SYNC, CALENDAR, CONTACTS)

VOCABULARY = Vocabulary(
    compliance=", ".join(token for feature in FEATURES for token in feature.compliance),
    properties={
        kind: {
            name: live
            for feature in FEATURES
            for name, live in feature.properties.get(kind, {}).items()
        }
        for kind in MAPPED
    },
    protected=frozenset(
        name
        for feature in FEATURES
        for properties in feature.properties.values()
        for name, live in properties.items()
        if live.property.protected
    ),
    validators={
        name: validator for feature in FEATURES for name, validator in feature.validators.items()
    },
    reports=tuple(report for feature in FEATURES for report in feature.reports),
)
