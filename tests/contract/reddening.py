"""Steps of the stories about slips and red letters."""

from __future__ import annotations

from typing import Any

from tests.contract.world import World
from verifier.operations import Code, Operation, Reason

OPEN, CONFIRM, REFUSE, WITHDRAW, VOID = (
    Code.OPEN_SLIP, Code.CONFIRM_SLIP, Code.REFUSE_SLIP, Code.WITHDRAW_SLIP, Code.VOID_SLIP,
)  # fmt: skip
PART: dict[str, Any] = {"gross": 1_130, "tax": 130}


def refused(world: World, actor: str, operation: Operation, reason: Reason) -> None:
    """The operation, sent alone, is refused for that reason and names its invoice."""
    assert world.refusal(actor, operation) == (reason, operation.number)


def answer(world: World, code: Code, subject: str = "employer", **fields: Any) -> Operation:
    """An operation on the slip that stands."""
    return world.operation(code, subject, **fields)


def lock(world: World, terms: int = 5) -> None:
    """The employee claims the invoice from the employer."""
    world.do("employee", world.operation(Code.LOCK, "employee", party=world.ids["employer"], terms=terms))


def agree(world: World, **fields: Any) -> None:
    """The seller opens a slip and the employer confirms it."""
    world.do("clerk", world.slip_operation(**fields))
    world.do("cashier", answer(world, CONFIRM))
