"""Members of an enterprise: a list that is imported with one signature, and one who leaves.

Who leaves loses every grant on chain with one signature, and what would let it in again ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledger.domain.errors import FieldProblem
from ledger.projection import Connection, parties
from ledger.service import instructions, registry
from ledger.service.context import Context
from ledger.service.drafts import EndedMembership
from ledger.service.errors import InvalidRequest, NotPermitted
from ledger.service.forms import salted
from ledger.service.invitations import INVITATIONS_MAX, Invitations, need_full_credential
from ledger.service.offices import ActingAs, acting_for
from ledger.service.people import GRANT_NAMES, need_party
from ledger.service.problems import invalid
from ledger.service.sign_in_views import Invited
from ledger.service.views import Caller, Written
from ledger.service.writing import Draft, Submitted, request_hash, submit, written
from verifier.canonical import Json
from verifier.operations import Code
from verifier.words import PartyKind

MEMBERS_MAX = INVITATIONS_MAX  # rows of a list: each may hold an invitation, and all fit into one signed group


@dataclass(frozen=True)
class NewMember:
    """A row of a list: the person, names of its grants, and whether it is invited to sign in."""

    person: int
    grants: tuple[str, ...]
    invite: bool = False


@dataclass(frozen=True)
class ImportedMember:
    """What became of a row: `signed`, or `held` by a person who had these grants. `invitation` is shown once."""

    person: int
    grants: tuple[str, ...]
    state: str
    invitation: Invited | None


@dataclass(frozen=True)
class ImportedMembers:
    """A signed list: where the group stands, and a result for each row in the order given."""

    written: Written
    rows: tuple[ImportedMember, ...]


def import_members(
    context: Context, caller: Caller, invitations: Invitations, rows: Sequence[NewMember], *,
    subject: int | None = None, idempotency_key: str,
) -> ImportedMembers:  # fmt: skip
    """The enterprise, or its administrator naming it as `subject`, grants a list of people, all in one signed group.

    All or nothing: the contract takes or refuses the group whole. Who has every grant of its row is left out of it. An
    invitation counts once the grant is recorded; used again, the Idempotency-Key gives no invitation a second time.

    Raises: NotPermitted for another's enterprise, and to invite with a narrow key; InvalidRequest with every problem of
    every row at `rows.N.field`; SignatureNeeded; and the errors of a write.
    """
    acting = acting_for(context, caller, subject)
    if acting.signer.kind != "enterprise":
        raise NotPermitted(
            "only an enterprise imports its members; name the one whose administrator you are as subject",
            "只有企业可以导入成员，请在 subject 中填写委任您为管理员的企业",
        )
    if any(row.invite for row in rows):
        need_full_credential(caller)
    bits = _checked_rows(rows)
    invited: dict[int, Invited] = {}

    def prepare(connection: Connection) -> Draft:
        invited.clear()
        draft = _draft(context, connection, acting, rows, bits)
        invited.update(_invited(context, connection, caller, invitations, acting, rows))
        return draft

    request: dict[str, Json] = {
        "rows": [[row.person, given, row.invite] for row, given in zip(rows, bits, strict=True)]
    }
    if acting.office is not None:
        request["by"] = caller.party  # a key the enterprise itself used means nothing of its administrator's
    submitted = submit(context, acting.signer, idempotency_key, request_hash("members", request), prepare)
    return ImportedMembers(written(context, caller, submitted), _results(rows, submitted, invited))


def remove_member(
    context: Context, caller: Caller, person: int, *, subject: int | None = None, idempotency_key: str
) -> Written:
    """The enterprise (or its administrator, naming it as `subject`) ends what a person may do for it.

    The person's sessions stay its own: rights are read at every request, so none of them acts for the enterprise once
    the group is recorded. An invitation the enterprise made for the person ends; so does the office of administrator,
    when the enterprise itself asks: administrators do not unmake each other. Both end when the group is accepted, which
    is with the signature of an enterprise that keeps its key itself.

    Raises: InvalidRequest at `person`, and the errors of a write.
    """
    # all grants, not those it has now: one that is on its way must not survive
    ended = EndedMembership(person, subject or caller.party, caller.party)
    return registry.change_grants(
        context, caller, person, list(GRANT_NAMES), give=False, subject=subject, kept=(ended,),
        idempotency_key=idempotency_key,
    )  # fmt: skip


def _checked_rows(rows: Sequence[NewMember]) -> tuple[int, ...]:
    """Grant bits of each row. Raises: InvalidRequest with what is wrong with the list itself."""
    if not 1 <= len(rows) <= MEMBERS_MAX:
        raise invalid("rows", "count_range", low=1, high=MEMBERS_MAX, given=len(rows))
    seen: set[int] = set()
    bits: list[int] = []

    def check(index: int) -> None:
        row = rows[index]
        bits.append(registry.grant_bits(row.grants, path=f"rows.{index}.grants"))
        if row.person in seen:
            raise invalid(f"rows.{index}.person", "member_twice")
        seen.add(row.person)

    _each_row(len(rows), check)
    return tuple(bits)


def _draft(
    context: Context, connection: Connection, acting: ActingAs, rows: Sequence[NewMember], bits: Sequence[int]
) -> Draft:
    """One operation for each row that gives something, in the order of persons, as a group wants them.

    All name the version that the enterprise has: a group is checked whole before any of it is written.

    Raises: InvalidRequest at `rows.N.person`, and at `rows` when there is nothing to give.
    """
    signer = acting.signer
    _each_row(
        len(rows),
        lambda index: need_party(connection, rows[index].person, path=f"rows.{index}.person", kind=PartyKind.PERSON),
    )
    version = need_party(connection, signer.party).version
    had = {grant.person: grant.bits for grant in parties.grants(connection, enterprise=signer.party)}
    new = sorted((row.person, given) for row, given in zip(rows, bits, strict=True) if given & ~had.get(row.person, 0))
    if not new:
        raise invalid("rows", "members_held")
    references = tuple(salted(context, signer, Code.GRANT.name.lower(), "") for _ in new)
    operations = tuple(
        instructions.grants(
            Code.GRANT, enterprise=signer.party, person=person, version=version, bits=given, ref=reference.ref
        )
        for (person, given), reference in zip(new, references, strict=True)
    )

    def recorded(connection: Connection, digest: bytes) -> None:
        acting.record(connection, digest, context.now_s())

    return Draft(operations, references=references, then=recorded if acting.office is not None else None)


def _invited(
    context: Context, connection: Connection, caller: Caller, invitations: Invitations, acting: ActingAs,
    rows: Sequence[NewMember],
) -> dict[int, Invited]:  # fmt: skip
    """Invitations by person. Raises: InvalidRequest at `rows.N.invite`."""
    own_key = context.kept_key(connection, acting.signer.party) is None
    invited: dict[int, Invited] = {}

    def invite(index: int) -> None:
        path, person = f"rows.{index}.invite", rows[index].person
        if own_key:  # the list waits for a signature; links must not lie about meanwhile
            raise invalid(path, "member_invited_later")
        invited[person] = invitations.invite_granted(connection, caller, path, person, acting.signer.party)

    _each_row(len(rows), lambda index: invite(index) if rows[index].invite else None)
    return invited


def _results(
    rows: Sequence[NewMember], submitted: Submitted, invited: dict[int, Invited]
) -> tuple[ImportedMember, ...]:
    signed = {operation.number for operation in submitted.group.operations}
    return tuple(
        ImportedMember(row.person, row.grants, "signed" if row.person in signed else "held", invited.get(row.person))
        for row in rows
    )


def _each_row(count: int, check: Callable[[int], object]) -> None:
    """Checks every row. Raises: InvalidRequest with the problems of all of them."""
    problems: list[FieldProblem] = []
    for index in range(count):
        try:
            check(index)
        except InvalidRequest as err:
            problems += err.problems
    if problems:
        raise InvalidRequest(tuple(problems))
