"""Signing in to the dashboard, on the wire."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from sumac.api.schemas.wire import WireModel
from sumac.organizations.model import Identity

EMAIL_LENGTH_MAX = 320

Email = Annotated[str, Field(min_length=3, max_length=EMAIL_LENGTH_MAX)]


class CodeRequest(WireModel):
    """Whom to send a sign-in code."""

    email: Email


class SignIn(WireModel):
    """A code that came by e-mail, or the token of a one-time link."""

    email: Email | None = None
    code: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    link: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        by_code = self.email is not None and self.code is not None
        if by_code == (self.link is not None):
            raise PydanticCustomError("sign_in", "give either email and code, or link")
        return self


class MemberBody(WireModel):
    """Who is signed in."""

    id: str
    email: str
    name: str | None
    role: Literal["owner", "admin", "developer", "sales", "member"]


class OrganizationBody(WireModel):
    """For which organization."""

    id: str
    slug: str
    name: str


class SessionBody(WireModel):
    """The running session."""

    member: MemberBody
    organization: OrganizationBody

    @classmethod
    def of(cls, identity: Identity) -> Self:
        """As answered."""
        member, organization = identity.member, identity.organization
        return cls(
            member=MemberBody(id=member.id, email=member.email, name=member.name, role=member.role.value),
            organization=OrganizationBody(id=organization.id, slug=organization.slug, name=organization.name),
        )
