"""Rows of features, plans and their versions. Decimals inside JSON are text."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from sumac.catalog.model import (
    BasePrice,
    CreditCost,
    Display,
    Feature,
    FeatureKind,
    FreeTrial,
    Plan,
    PlanItem,
    TokenMarkups,
)
from sumac.storage.schema import features, plan_versions, plans
from sumac.storage.work import Work

PRICE = TypeAdapter(BasePrice)
ITEMS = TypeAdapter(tuple[PlanItem, ...])
TRIAL = TypeAdapter(FreeTrial)
SCHEMA = TypeAdapter(tuple[CreditCost, ...])
DISPLAY = TypeAdapter(Display)
MARKUPS = TypeAdapter(TokenMarkups)


async def all_features(work: Work) -> list[Feature]:
    """Every feature of the tenant, oldest first."""
    rows = await work.all(work.select(features).order_by(features.c.created_at, features.c.id))
    return [_feature(row) for row in rows]


async def find_feature(work: Work, feature_id: str) -> Feature | None:
    """The feature, or None."""
    row = await work.find(work.select(features).where(features.c.id == feature_id))
    return None if row is None else _feature(row)


async def add_feature(work: Work, feature: Feature) -> bool:
    """Adds the feature; False when the id is taken."""
    return await work.insert_unless_taken(features, **_feature_values(feature))


async def change_feature(work: Work, feature_id: str, feature: Feature) -> None:
    """Writes every field of the feature that had this id."""
    await work.update(features, features.c.id == feature_id, values=_feature_values(feature))


async def remove_feature(work: Work, feature_id: str) -> None:
    """Deletes the feature."""
    await work.delete(features, features.c.id == feature_id)


async def find_plans(work: Work, *where: sa.ColumnElement[bool]) -> list[Plan]:
    """Plans at their versions that match, oldest plan first, each plan's oldest version first."""
    statement = work.select(plans, plan_versions).add_columns(
        plan_versions.c.version,
        plan_versions.c.price,
        plan_versions.c["items"],
        plan_versions.c.free_trial,
        plan_versions.c.created_at.label("version_created_at"),
    )
    statement = statement.where(plan_versions.c.plan_id == plans.c.id, *where)
    rows = await work.all(statement.order_by(plans.c.created_at, plans.c.id, plan_versions.c.version))
    return [_plan(row._mapping) for row in rows]


async def versions_of(work: Work, plan_id: str) -> list[int]:
    """The versions that a plan has, the oldest first; none where there is no such plan."""
    versions = plan_versions.c.version
    statement = work.select_columns(plan_versions, versions).where(plan_versions.c.plan_id == plan_id)
    return [row.version for row in await work.all(statement.order_by(versions))]


async def add_plan(work: Work, plan: Plan) -> bool:
    """Adds the plan with its first version; False when the id is taken."""
    added = await work.insert_unless_taken(plans, id=plan.id, created_at=plan.created_at, **_plan_values(plan))
    if added:
        await add_version(work, plan)
    return added


async def add_version(work: Work, plan: Plan) -> None:
    """Adds the version of an existing plan."""
    await work.insert(
        plan_versions,
        plan_id=plan.id,
        version=plan.version,
        created_at=plan.created_at,
        **_version_values(plan),
    )


async def change_plan(work: Work, plan_id: str, plan: Plan) -> None:
    """Writes the details of the plan that had this id, and its id."""
    await work.update(plans, plans.c.id == plan_id, values={"id": plan.id, **_plan_values(plan)})
    if plan_id != plan.id:
        await work.update(plan_versions, plan_versions.c.plan_id == plan_id, values={"plan_id": plan.id})
        await work.update(plans, plans.c.base_plan_id == plan_id, values={"base_plan_id": plan.id})


async def change_version(work: Work, plan: Plan) -> None:
    """Writes the price, items and trial of one version."""
    await work.update(
        plan_versions,
        plan_versions.c.plan_id == plan.id,
        plan_versions.c.version == plan.version,
        values=_version_values(plan),
    )


async def activate(work: Work, plan_id: str, version: int) -> None:
    """Makes the version the active one of its plan."""
    await work.update(plans, plans.c.id == plan_id, values={"active_version": version})


async def remove_versions(work: Work, plan_id: str, versions: Sequence[int], *, whole: bool) -> None:
    """Deletes the newest versions of a plan, and with `whole` the plan itself.

    Its variants follow the version before from then on, or no plan any more.
    """
    await work.delete(plan_versions, plan_versions.c.plan_id == plan_id, plan_versions.c.version.in_(versions))
    if whole:
        await work.delete(plans, plans.c.id == plan_id)
    follows = (plans.c.base_plan_id == plan_id, plans.c.base_version.in_(versions))
    before = {"base_version": min(versions) - 1}
    await work.update(plans, *follows, values={"base_plan_id": None, "base_version": None} if whole else before)


def _feature_values(feature: Feature) -> dict[str, Any]:
    return {
        "id": feature.id,
        "name": feature.name,
        "kind": feature.kind,
        "consumable": feature.consumable,
        "display": DISPLAY.dump_python(feature.display, mode="json") if feature.display else None,
        "event_names": list(feature.event_names),
        "credit_schema": SCHEMA.dump_python(feature.credit_schema, mode="json"),
        "markups": MARKUPS.dump_python(feature.markups, mode="json") if feature.markups else None,
        "archived": feature.archived,
        "created_at": feature.created_at,
    }


def _feature(row: sa.Row[Any]) -> Feature:
    return Feature(
        id=row.id,
        name=row.name,
        kind=FeatureKind(row.kind),
        consumable=row.consumable,
        created_at=row.created_at,
        display=DISPLAY.validate_python(row.display) if row.display else None,
        event_names=tuple(row.event_names),
        credit_schema=SCHEMA.validate_python(row.credit_schema),
        markups=MARKUPS.validate_python(row.markups) if row.markups else None,
        archived=row.archived,
    )


def _plan_values(plan: Plan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "description": plan.description,
        "group_id": plan.group,
        "add_on": plan.add_on,
        "auto_enable": plan.auto_enable,
        "archived": plan.archived,
        "metadata": dict(plan.metadata or {}),
        "config": {"ignore_past_due": plan.ignore_past_due},
        "billing_controls": dict(plan.billing_controls or {}),
        "base_plan_id": plan.base_plan_id,
        "base_version": plan.base_version,
    }


def _version_values(plan: Plan) -> dict[str, Any]:
    return {
        "price": PRICE.dump_python(plan.price, mode="json") if plan.price else None,
        "items": ITEMS.dump_python(plan.items, mode="json"),
        "free_trial": TRIAL.dump_python(plan.free_trial, mode="json") if plan.free_trial else None,
    }


def _plan(row: sa.RowMapping) -> Plan:
    return Plan(
        id=row["id"],
        version=row["version"],
        name=row["name"],
        created_at=row["version_created_at"],
        description=row["description"],
        group=row["group_id"],
        add_on=row["add_on"],
        auto_enable=row["auto_enable"],
        archived=row["archived"],
        price=PRICE.validate_python(row["price"]) if row["price"] else None,
        items=ITEMS.validate_python(row["items"]),
        free_trial=TRIAL.validate_python(row["free_trial"]) if row["free_trial"] else None,
        ignore_past_due=row["config"].get("ignore_past_due", False),
        metadata=row["metadata"],
        billing_controls=row["billing_controls"],
        active=row["version"] == row["active_version"],
        base_plan_id=row["base_plan_id"],
        base_version=row["base_version"],
    )
