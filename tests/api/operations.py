"""Every operation of the API with a request that names something; tests walk them, and fail when one is missing."""

from typing import Any

from fastapi import FastAPI

from tests.api.shop import FEBRUARY_MS, JANUARY_MS
from tests.support.api import ADDRESS

ADA = {"customer_id": "ada"}
PRO = {"plan_id": "pro"}
MESSAGES = {"feature_id": "messages"}
DESK = {"entity_id": "desk"}
INVOICE = {"invoice_id": "inv_1"}
WALK: dict[str, Any] = {
    "customers.get": ADA,
    "customers.list": {"search": "ada"},
    "customers.update": {**ADA, "name": "Eve"},
    "customers.advance_test_clock": {**ADA, "frozen_time": FEBRUARY_MS},
    "customers.get_or_create": {**ADA, "auto_enable_plan_id": "pro"},
    "plans.get": PRO,
    "plans.list": ADA,
    "plans.update": {**PRO, "name": "Stolen"},
    "plans.create": {"plan_id": "mine", "name": "Mine", "items": [MESSAGES]},
    "features.get": MESSAGES,
    "features.list": {},
    "features.update": {**MESSAGES, "name": "Stolen"},
    "features.create": {
        "feature_id": "mine",
        "name": "Mine",
        "type": "credit_system",
        "credit_schema": [{"metered_feature_id": "messages", "credit_cost": 1}],
    },
    "balances.check": {**ADA, **MESSAGES, "send_event": True},
    "balances.track": {**ADA, **MESSAGES},
    "balances.finalize": {"lock_id": "job", "action": "release"},
    "balances.batch_track": [{**ADA, **MESSAGES}],
    "billing.attach": {**ADA, **PRO},
    "billing.preview_attach": {**ADA, **PRO},
    "billing.update": {**ADA, **PRO, "cancel_action": "cancel_immediately"},
    "billing.preview_update": {**ADA, **PRO, "cancel_action": "cancel_immediately"},
    "billing.multi_attach": {**ADA, "plans": [PRO]},
    "billing.preview_multi_attach": {**ADA, "plans": [PRO]},
    "billing.multi_update": {**ADA, "updates": [{**PRO, "cancel_action": "cancel_immediately"}]},
    "billing.preview_multi_update": {**ADA, "updates": [{**PRO, "cancel_action": "cancel_immediately"}]},
    "billing.setup_payment": ADA,
    "billing.create_schedule": {**ADA, "phases": [{"starts_at": "now", "plans": [PRO]}]},
    "billing.open_customer_portal": ADA,
    "entities.create": {**ADA, **DESK, "feature_id": "seats"},
    "entities.get": {**ADA, **DESK},
    "entities.list": ADA,
    "entities.update": {**ADA, **DESK, "billing_controls": {}},
    "entities.delete": {**ADA, **DESK},
    "subscriptions.list": ADA,
    "purchases.list": ADA,
    "events.list": ADA,
    "events.aggregate": {**ADA, **MESSAGES, "range": "7d"},
    "invoices.list": ADA,
    "invoices.insert": {
        "invoices": [{**ADA, "stripe_id": "in_old", "status": "paid", "total": 20, "created_at": JANUARY_MS}]
    },
    "invoices.create": {**ADA, "plans": [PRO]},
    "invoices.finalize": INVOICE,
    "invoices.pay": INVOICE,
    "invoices.issue_credit_note": INVOICE,
    "invoices.void": INVOICE,
    "organization.get_billing_settings": {},
    "organization.update_billing_settings": {"retry_days": [2]},
    "sandbox.add_card": ADA,
    "sandbox.set_next_charge": {**ADA, "outcome": "decline"},
    "sandbox.complete_checkout": {"url": f"{ADDRESS}/checkout/token"},
    # last, because they remove what the others name
    "customers.delete": ADA,
    "plans.delete": {**PRO, "all_versions": True},
    "features.delete": MESSAGES,
}
ALIASES = {
    "check": "balances.check",
    "entitled": "balances.check",
    "track": "balances.track",
    "events": "balances.track",
    "events/list": "events.list",
    "events/aggregate": "events.aggregate",
    "query": "events.aggregate",
}
SIGNING_IN = {"sessions.request_code", "sessions.create", "sessions.get", "sessions.delete"}
SCOPES = {
    "customers.get": "customers:read",
    "customers.list": "customers:read",
    "customers.update": "customers:write",
    "customers.advance_test_clock": "customers:write",
    "customers.get_or_create": "customers:write",
    "customers.delete": "customers:write",
    "plans.get": "plans:read",
    "plans.list": "plans:read",
    "plans.update": "plans:write",
    "plans.create": "plans:write",
    "plans.delete": "plans:write",
    "features.get": "features:read",
    "features.list": "features:read",
    "features.update": "features:write",
    "features.create": "features:write",
    "features.delete": "features:write",
    "balances.check": "balances:read",
    "balances.track": "balances:write",
    "balances.finalize": "balances:write",
    "balances.batch_track": "balances:write",
    "billing.attach": "billing:write",
    "billing.preview_attach": "billing:read",
    "billing.update": "billing:write",
    "billing.preview_update": "billing:read",
    "billing.multi_attach": "billing:write",
    "billing.preview_multi_attach": "billing:read",
    "billing.multi_update": "billing:write",
    "billing.preview_multi_update": "billing:read",
    "billing.setup_payment": "billing:write",
    "billing.create_schedule": "billing:write",
    "billing.open_customer_portal": "billing:write",
    "entities.create": "customers:write",
    "entities.get": "customers:read",
    "entities.list": "customers:read",
    "entities.update": "customers:write",
    "entities.delete": "customers:write",
    "subscriptions.list": "billing:read",
    "purchases.list": "billing:read",
    "events.list": "balances:read",
    "events.aggregate": "balances:read",
    "invoices.list": "billing:read",
    "invoices.insert": "billing:write",
    "invoices.create": "billing:write",
    "invoices.finalize": "billing:write",
    "invoices.pay": "billing:write",
    "invoices.issue_credit_note": "billing:write",
    "invoices.void": "billing:write",
    "organization.get_billing_settings": "organisation:read",
    "organization.update_billing_settings": "organisation:write",
    "sandbox.add_card": "billing:write",
    "sandbox.set_next_charge": "billing:write",
    "sandbox.complete_checkout": "billing:write",
}


def registered(app: FastAPI) -> set[str]:
    """Every operation the application has, by its address below /v1."""
    return {path.removeprefix("/v1/") for path in app.openapi()["paths"] if path.startswith("/v1/")}
