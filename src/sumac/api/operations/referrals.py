"""referral_programs.*, and the codes that customers invite others with (api.md §2.9, billing.md §18.2)."""

from sumac.api.context import Context
from sumac.api.operation import OperationRouter
from sumac.api.schemas.referrals import (
    CodeBody,
    CodeCreate,
    CodeRedeem,
    ProgramBody,
    ProgramChoice,
    ProgramCreate,
    ProgramList,
    ProgramUpdate,
    ReferralBody,
)
from sumac.api.schemas.wire import Success
from sumac.core.ids import new_id
from sumac.customers import service as customers
from sumac.rewards import programs, referrals

router = OperationRouter("referrals")


@router.operation("referral_programs.create", scope="rewards:write")
async def create_program(body: ProgramCreate, context: Context) -> ProgramBody:
    """Adds a referral program, which gives a reward to customers for those they invite, and to both if it says so.

    It is redeemed at once, with the code, or on checkout: with the first purchase of one of its plans after that. A
    free plan counts as one, and so does a trial unless `exclude_trial` waits for it to be paid. After `max_redemptions`
    rewards nobody can redeem a code, and purchases are not rewarded.
    """
    async with context.work() as work:
        return ProgramBody.of(await programs.create(work, body.program(new_id("rp", now=work.now), work.now)))


@router.operation("referral_programs.get", scope="rewards:read")
async def get_program(body: ProgramChoice, context: Context) -> ProgramBody:
    """One referral program."""
    async with context.reading() as work:
        return ProgramBody.of(await programs.get(work, body.referral_program_id))


@router.operation("referral_programs.list", scope="rewards:read")
async def list_programs(context: Context) -> ProgramList:
    """Every referral program, oldest first."""
    async with context.reading() as work:
        return ProgramList(list=[ProgramBody.of(each) for each in await programs.list_programs(work)])


@router.operation("referral_programs.update", scope="rewards:write")
async def update_program(body: ProgramUpdate, context: Context) -> ProgramBody:
    """Changes a referral program. Rewards that were given stay; purchases from then on are rewarded as it says then."""
    async with context.work() as work:
        before = await programs.get(work, body.referral_program_id)
        return ProgramBody.of(await programs.update(work, body.changed(before)))


@router.operation("referral_programs.delete", scope="rewards:write")
async def delete_program(body: ProgramChoice, context: Context) -> Success:
    """Removes a referral program with its codes and with who redeemed them; rewards that were given stay."""
    async with context.work() as work:
        await programs.delete(work, body.referral_program_id)
    return Success(success=True)


@router.operation("referrals.create_code", scope="rewards:write")
async def create_code(body: CodeCreate, context: Context) -> CodeBody:
    """The customer's code for a program: six letters and digits, the same one however often it is asked for."""
    async with context.work() as work:
        customer = await customers.get_for_update(work, body.customer_id)
        program = await programs.get(work, body.program_id)
        return CodeBody.of(await referrals.create_code(work, customer, program), customer.public_id)


@router.operation("referrals.redeem_code", scope="rewards:write")
async def redeem_code(body: CodeRedeem, context: Context) -> ReferralBody:
    """Redeems a customer's code for another customer, once in each program.

    A discount goes only to customers who have none; features are there at once. 400 for one's own code, which is also
    that of a customer with the same fingerprint, or of somebody that one has invited.
    """
    referral = await context.services.referrals.redeem(context.tenant, body.customer_id, body.code)
    return ReferralBody.of(referral, body.customer_id)
