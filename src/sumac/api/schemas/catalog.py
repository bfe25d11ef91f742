"""A whole catalogue on the wire: what is wanted, and what becomes of it (clients.md §5)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from sumac.api.schemas.controls import ControlsBody
from sumac.api.schemas.features import FeatureBody, FeatureCreate, FeatureUpdate
from sumac.api.schemas.later import refuse_later
from sumac.api.schemas.plans import BasePriceIn, FreeTrialIn, Items, PlanBody, PlanConfig
from sumac.api.schemas.rewards import RewardCreate
from sumac.api.schemas.wire import FeatureId, JsonObject, Name, PlanId, Text, Truth, WholeNumber, WireModel
from sumac.billing.publishing import Catalog, FeatureChange, PlanChange, PlanWish, Publication, Published
from sumac.catalog.model import Feature, Plan
from sumac.catalog.rules.versioning import Versioning
from sumac.core.errors import BadRequest
from sumac.core.ids import new_id
from sumac.rewards.model import Reward
from sumac.rewards.publishing import RewardChange

FEATURES_MAX = 500
PLANS_MAX = 500
REWARDS_MAX = 500
FEATURE_ACTIONS = {
    Published.CREATED: "create",
    Published.UPDATED: "update",
    Published.DELETED: "remove",
    Published.ARCHIVED: "remove",
    Published.SKIPPED: "skipped",
    Published.NONE: "none",
}
PLAN_ACTIONS = {action: action.value for action in Published} | {Published.ARCHIVED: "deleted"}
LATER = ("licenses", "migration", "variants")


class CatalogFeature(FeatureCreate):
    """A feature as it shall be; what is not given stays as it is, or is as for a new one."""

    archived: Truth | None = None

    def wanted(self, before: Feature | None, now: datetime) -> Feature:
        """The feature, over the one that has its id."""
        if before is None:
            return replace(self.draft(now), archived=bool(self.archived))
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return FeatureUpdate.model_construct(set(given), **given).changed(before)


class CatalogPlan(WireModel):
    """A plan as it shall be; what is not given stays as it is, or is as for a new one. What is given replaces all."""

    plan_id: PlanId
    name: Name
    group: Text | None = None
    description: Text | None = None
    add_on: Truth = False
    auto_enable: Truth = False
    price: BasePriceIn | None = None
    items: Items | None = None
    free_trial: FreeTrialIn | None = None
    config: PlanConfig | None = None
    billing_controls: ControlsBody | None = None
    metadata: JsonObject | None = None
    archived: Truth | None = None
    base_plan_id: PlanId | None = None
    version: WholeNumber | None = None
    disable_version: Truth = False
    force_version: Truth = False
    all_versions: Truth = False
    licenses: list[Any] | None = None
    migration: JsonObject | None = None
    variants: list[Any] | None = None

    def wish(self, before: Plan | None, now: datetime) -> PlanWish:
        """The plan, over the one that has its id. Raises BadRequest for what is not available yet."""
        refuse_later(self, LATER)
        active = before.version if before else 1
        if self.version not in {None, active}:
            message = f"plan {self.plan_id}: only the active version, {active}, can be changed with a catalogue"
            raise BadRequest(message)
        plan = before or Plan(
            id=self.plan_id, version=1, name=self.name, created_at=now, metadata={}, billing_controls={}
        )
        how = Versioning(self.force_version, self.disable_version, self.all_versions)
        links = "base_plan_id" in self.model_fields_set
        return PlanWish(replace(plan, **self._given()), how, links, self.base_plan_id)

    def _given(self) -> dict[str, Any]:
        readers: dict[str, Callable[[], Any]] = {
            "group": lambda: self.group or "",
            "description": lambda: self.description,
            "add_on": lambda: self.add_on,
            "auto_enable": lambda: self.auto_enable,
            "price": lambda: self.price.price() if self.price else None,
            "items": lambda: tuple(item.item() for item in self.items or ()),
            "free_trial": lambda: self.free_trial.trial() if self.free_trial else None,
            "billing_controls": lambda: self.billing_controls.stored() if self.billing_controls else {},
            "metadata": lambda: self.metadata or {},
            "archived": lambda: bool(self.archived),
        }
        given = {name: read() for name, read in readers.items() if name in self.model_fields_set}
        if "config" in self.model_fields_set:
            given["ignore_past_due"] = self.config.ignore_past_due if self.config else False
        return {"name": self.name, **given}


def _once(bodies: Sequence[CatalogFeature | CatalogPlan]) -> Sequence[CatalogFeature | CatalogPlan]:
    ids = [each.feature_id if isinstance(each, CatalogFeature) else each.plan_id for each in bodies]
    for number, name in enumerate(ids):
        if name in ids[:number]:
            raise PydanticCustomError("twice", "must not name {name} twice", {"name": name})
    return bodies


class CatalogUpdate(WireModel):
    """The catalogue that is wanted. What it does not name is removed or archived, unless `skip_deletions`.

    Features and plans must stand there: a body that could not be read says `{}`, which must not empty a catalogue.
    Rewards are touched only where they do.
    """

    features: Annotated[list[CatalogFeature], Field(max_length=FEATURES_MAX), AfterValidator(_once)]
    plans: Annotated[list[CatalogPlan], Field(max_length=PLANS_MAX), AfterValidator(_once)]
    rewards: Annotated[list[RewardCreate], Field(max_length=REWARDS_MAX)] | None = None
    referral_programs: list[Any] | None = None
    skip_deletions: Truth = False
    skip_feature_ids: list[FeatureId] | None = None
    skip_plan_ids: list[PlanId] | None = None

    def publication(self, stored: Catalog, now: datetime) -> Publication:
        """As a publication over what is stored. Raises BadRequest for what is not available yet."""
        refuse_later(self, ("referral_programs",))
        return Publication(
            features=[body.wanted(stored.features.get(body.feature_id), now) for body in self.features],
            plans=[body.wish(stored.plans.get(body.plan_id), now) for body in self.plans],
            removes_others=not self.skip_deletions,
            skipped_features=frozenset(self.skip_feature_ids or ()),
            skipped_plans=frozenset(self.skip_plan_ids or ()),
        )

    def wanted_rewards(self, stored: Mapping[str, Reward], currency: str, now: datetime) -> Sequence[Reward]:
        """The rewards, each over the one that has its id; a new one has a new key.

        A code keeps its expiry unless the body has another. Raises BadRequest.
        """
        wanted: dict[str, Reward] = {}
        for body in self.rewards or ():
            reward = body.reward(new_id("rew", now=now), currency, now)
            if reward.id in wanted:
                message = f"rewards: must not name {reward.id} twice"
                raise BadRequest(message, code="invalid_inputs")
            before = stored.get(reward.id)
            wanted[reward.id] = reward if before is None else body.over(before, reward)
        return list(wanted.values())


class FeatureChangeBody(WireModel):
    """What becomes of a feature; `feature` is how it is afterwards, or null when it is gone."""

    feature_id: str
    action: Literal["create", "update", "remove", "skipped", "none"]
    will_archive: Truth
    feature: FeatureBody | None

    @classmethod
    def of(cls, change: FeatureChange) -> Self:
        """The change as it is answered."""
        return cls(
            feature_id=change.feature_id,
            action=FEATURE_ACTIONS[change.action],  # type: ignore[arg-type]  # the table has each of these words
            will_archive=change.action is Published.ARCHIVED,
            feature=FeatureBody.of(change.after) if change.after else None,
        )


class VersionBody(WireModel):
    """A version of a plan."""

    version: WholeNumber


class PlanChangeBody(WireModel):
    """What becomes of a plan.

    `plan` is how it is afterwards, null when it is gone. With `versionable` its terms change in a new version, and the
    `customers` who hold the one before keep it. `other_versions` could be changed alike, with `all_versions`.
    """

    plan_id: str
    action: Literal["created", "updated", "deleted", "skipped", "none"]
    will_archive: Truth
    versionable: Truth
    customers: WholeNumber
    plan: PlanBody | None
    variants: list[Any]
    other_versions: list[VersionBody]

    @classmethod
    def of(cls, change: PlanChange, plan: PlanBody | None) -> Self:
        """The change as it is answered, with the plan as it will be answered."""
        return cls(
            plan_id=change.plan_id,
            action=PLAN_ACTIONS[change.action],  # type: ignore[arg-type]  # the table has each of these words
            will_archive=change.action is Published.ARCHIVED,
            versionable=change.mints,
            customers=change.customers,
            plan=plan,
            variants=[],
            other_versions=[VersionBody(version=version) for version in change.other_versions],
        )


class RewardChangeBody(WireModel):
    """What becomes of a reward."""

    id: str
    action: Literal["created", "updated", "deleted", "none"]

    @classmethod
    def of(cls, change: RewardChange) -> Self:
        """The change as it is answered."""
        return cls(id=change.reward_id, action=change.action.value)


class CatalogPreview(WireModel):
    """What would become of each feature and plan: those that were named in their order, then the others that go."""

    feature_changes: list[FeatureChangeBody]
    plan_changes: list[PlanChangeBody]
    reward_changes: list[RewardChangeBody]
    referral_program_changes: list[Any]


class CatalogBody(WireModel):
    """The catalogue, oldest first: each feature, and each plan at its active version, archived ones too."""

    features: list[FeatureBody]
    plans: list[PlanBody]
