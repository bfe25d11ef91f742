"""referral_programs.* (api.md §2.9, billing.md §18.2)."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.referral_programs import ReferralProgramBody, ReferralProgramList
from sumac.rewards import service as rewards

router = OperationRouter("referral_programs")


@router.operation("referral_programs.list", scope="rewards:read")
async def list_programs(context: Context) -> ReferralProgramList:
    """Every referral program, oldest first."""
    async with context.reading() as work:
        programs = await rewards.list_programs(work)
    return ReferralProgramList(list=[ReferralProgramBody.of(program) for program in programs])
