"""Referral programs: create, find, change, delete (billing.md §18.2, api.md §2.9)."""

from collections.abc import Sequence

from sumac.catalog import service as catalog
from sumac.core.errors import BadRequest, Conflict, NotFound
from sumac.rewards import referral_rows, service
from sumac.rewards.referral_model import Program
from sumac.rewards.rules.referral import check_program
from sumac.storage.schema import referral_programs
from sumac.storage.work import Work


async def list_programs(work: Work) -> Sequence[Program]:
    """Every program, oldest first."""
    return await referral_rows.find_programs(work)


async def get(work: Work, program_id: str) -> Program:
    """The program. Raises NotFound `reward_program_not_found`."""
    found = await referral_rows.find_programs(work, referral_programs.c.id == program_id)
    if not found:
        message = f"Referral program {program_id} not found"
        raise NotFound(message, code="reward_program_not_found")
    return found[0]


async def create(work: Work, program: Program) -> Program:
    """Adds a program.

    Raises BadRequest `duplicate_reward_program_id`, NotFound `reward_not_found` and `product_not_found`, and as
    `check_program` does.
    """
    await work.lock(service.CHANGES)
    if await referral_rows.find_programs(work, referral_programs.c.id == program.id):
        message = f"Referral program {program.id} exists already"
        raise BadRequest(message, code="duplicate_reward_program_id")
    await _check(work, program)
    await referral_rows.add_program(work, program)
    return program


async def update(work: Work, program: Program) -> Program:
    """Writes the program anew: who waits for their first purchase is rewarded as it says then. Raises as `create`."""
    await work.lock(service.CHANGES)
    await hold(work, program.key)
    await _check(work, program)
    await referral_rows.change_program(work, program)
    return program


async def delete(work: Work, program_id: str) -> None:
    """Removes a program with its codes; who was rewarded keeps the reward. Raises NotFound."""
    await work.lock(service.CHANGES)
    program = await get(work, program_id)
    await hold(work, program.key)
    await referral_rows.remove_program(work, program)


async def check_unlisted(work: Work, plan_id: str) -> None:
    """Raises Conflict `invalid_request` where a program lists the plan, so that it cannot have another id."""
    await work.lock(service.CHANGES)
    for program in await list_programs(work):
        if plan_id in (program.plan_ids or ()):
            message = f"Plan {plan_id} is listed by referral program {program.id}; change or delete that first"
            raise Conflict(message, code="invalid_request")


async def hold(work: Work, program_key: str) -> None:
    """Waits until nobody else redeems, rewards or changes anything of the program, and keeps it so until the end."""
    await work.lock(f"referral_program:{program_key}")


async def find_by_key(work: Work, program_key: str) -> Program | None:
    """The program of our own key, or None."""
    found = await referral_rows.find_programs(work, referral_programs.c.key == program_key)
    return found[0] if found else None


async def _check(work: Work, program: Program) -> None:
    """Raises where the program cannot be as it is."""
    for plan_id in program.plan_ids or ():
        await catalog.get_plan(work, plan_id)
    check_program(program, await service.get(work, program.reward_id))
