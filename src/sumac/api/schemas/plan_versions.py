"""Versions of plans on the wire: what differs, what an edit would do, who holds which (billing.md §16.1)."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from sumac.api.schemas.items import PlanItemBody
from sumac.api.schemas.plans import FreeTrialBody, HoldersBody, PlanBody, PlanPriceBody
from sumac.api.schemas.wire import Name, PlanId, Truth, WholeNumber, WireModel
from sumac.billing.holders import Holders
from sumac.catalog.model import BasePrice, Feature, FreeTrial, Plan, PlanItem
from sumac.catalog.rules.diff import Change, Conflict, TermsDiff, changed_fields


class PriceChangeBody(WireModel):
    """The price before and after; null where there is none."""

    before: PlanPriceBody | None
    after: PlanPriceBody | None

    @classmethod
    def of(cls, change: Change[BasePrice], currency: str) -> Self:
        """In the organization's currency."""
        before, after = (
            None if price is None else PlanPriceBody.of(price, currency) for price in (change.before, change.after)
        )
        return cls(before=before, after=after)


class TrialChangeBody(WireModel):
    """The trial before and after; null where there is none."""

    before: FreeTrialBody | None
    after: FreeTrialBody | None

    @classmethod
    def of(cls, change: Change[FreeTrial]) -> Self:
        """As they are shown with a plan."""
        before, after = (None if trial is None else FreeTrialBody.of(trial) for trial in (change.before, change.after))
        return cls(before=before, after=after)


class ItemChangeBody(WireModel):
    """An item that is added, removed or changed; of a changed one `fields` says what differs."""

    action: Literal["added", "removed", "changed"]
    feature_id: str
    before: PlanItemBody | None
    after: PlanItemBody | None
    fields: list[str]

    @classmethod
    def of(cls, change: Change[PlanItem], features: Mapping[str, Feature], currency: str) -> Self:
        """The item with its texts."""
        before, after = (
            None if item is None else PlanItemBody.of(item, features.get(item.feature_id), currency, expand=False)
            for item in (change.before, change.after)
        )
        return cls(
            action="added" if before is None else "removed" if after is None else "changed",
            feature_id=next(each.feature_id for each in (after, before) if each is not None),
            before=before,
            after=after,
            fields=list(changed_fields(change)) if before is not None and after is not None else [],
        )


class DiffBody(WireModel):
    """What differs between two versions; what does not is left out."""

    price: PriceChangeBody | None = None
    items: list[ItemChangeBody]
    free_trial: TrialChangeBody | None = None

    @classmethod
    def of(cls, diff: TermsDiff, features: Mapping[str, Feature], currency: str) -> Self:
        """Prices are in the organization's currency."""
        optional: dict[str, Any] = {}
        if diff.price is not None:
            optional["price"] = PriceChangeBody.of(diff.price, currency)
        if diff.free_trial is not None:
            optional["free_trial"] = TrialChangeBody.of(diff.free_trial)
        return cls(items=[ItemChangeBody.of(each, features, currency) for each in diff.items], **optional)


class DiffRequest(WireModel):
    """Two versions of a plan; without the second, the active one."""

    plan_id: PlanId
    from_version: WholeNumber
    to_version: WholeNumber | None = None


class VersionsDiffBody(WireModel):
    """What somebody who moves from the one version to the other will notice."""

    plan_id: str
    from_version: WholeNumber
    to_version: WholeNumber
    diff: DiffBody


class ConflictBody(WireModel):
    """Something that is not what the change starts from: the base price, or an item of a feature."""

    type: Literal["different_interval", "value_divergence", "base_price_divergence"]
    feature_id: str | None

    @classmethod
    def of(cls, conflict: Conflict) -> Self:
        """As found."""
        return cls(type=conflict.kind.value, feature_id=conflict.feature_id)


class ChangedPlanBody(WireModel):
    """A plan or version that changes along with the edited one, as it will be."""

    plan: PlanBody
    diff: DiffBody
    conflicts: list[ConflictBody]
    customers: HoldersBody


class VariantPreviewBody(ChangedPlanBody):
    """A variant as the same change would leave it; it is made where the update names the variant (`selected`)."""

    selected: Truth
    will_version: Truth


class VariantCreate(WireModel):
    """A new variant of a plan."""

    base_plan_id: PlanId
    variant_plan_id: PlanId
    name: Name


class EditPreviewBody(WireModel):
    """What an update would do: the plan as it will be, and what of it differs.

    With `has_customers` the edited version is held, so that there is a choice to make about versions; `will_version`
    says that the update, as it is asked for, makes a new one. `other_versions` change along with `all_versions`, of the
    `variants`, archived ones left out, those that the update names.
    """

    plan: PlanBody
    diff: DiffBody
    has_customers: Truth
    will_version: Truth
    customers: HoldersBody
    other_versions: list[ChangedPlanBody]
    variants: list[VariantPreviewBody]


class PlanVersionBody(WireModel):
    """One version, and how many customers hold it."""

    version: WholeNumber
    version_slug: str
    active: Truth
    customers: HoldersBody


class HasCustomersBody(WireModel):
    """Who holds a plan, version by version, the oldest first."""

    plan_id: str
    has_customers: Truth
    versions: list[PlanVersionBody]

    @classmethod
    def of(cls, versions: Sequence[Plan], holders: Mapping[tuple[str, int], Holders]) -> Self:
        """Of every version of a plan."""
        counted = {each.version: holders.get((each.id, each.version), Holders()) for each in versions}
        return cls(
            plan_id=versions[0].id,
            has_customers=any(each.total for each in counted.values()),
            versions=[
                PlanVersionBody(
                    version=each.version,
                    version_slug=each.version_slug,
                    active=each.active,
                    customers=HoldersBody.of(counted[each.version]),
                )
                for each in versions
            ],
        )
