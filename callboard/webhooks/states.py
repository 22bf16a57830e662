from enum import StrEnum


class WebhookState(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    DEACTIVATED = "deactivated"
    DELETED = "deleted"  # kept so that its past deliveries keep a name
