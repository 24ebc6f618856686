"""What is written of a claim: each word only while it is still its owner's."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Update, bindparam, or_, update

from digests.ports import (
    Begins,
    Claim,
    DeliveryState,
    GoesOut,
    Landed,
    LeaseLostError,
    PageState,
    Plan,
    PlannedPage,
    Word,
)
from digests.store import schema
from digests.store.engine import insert_new, update_many
from digests.store.marks import NewPost, said_of, write_posts
from digests.store.pages import keep
from digests.store.unfinished import HELD

deliveries, pages = schema.deliveries, schema.pages


def write(connection: Connection, words: Sequence[Word]) -> None:
    """Keeps the contract of `digests.ports.Deliveries.write`."""
    plans, begun, going, landed = list[Plan](), list[Begins](), list[GoesOut](), list[Landed]()
    for word in words:
        match word:
            case Plan():
                plans.append(word)
            case Begins():
                begun.append(word)
            case GoesOut():
                going.append(word)
            case Landed():
                landed.append(word)
    _plan(connection, plans)
    _begin_to_post(connection, begun)
    _go_out(connection, going)
    _land(connection, landed)


def finish(connection: Connection, claim: Claim) -> None:
    _change_all(connection, _FINISHED, [claim])


def _ours() -> Update:
    """Changes deliveries that are still their claims' own."""
    return update(deliveries).where(
        deliveries.c.id == bindparam("its"),
        deliveries.c.owner == bindparam("ours"),
        deliveries.c.attempts == bindparam("try"),
        # Not IN, whose list is written out anew at every call: these are the ledger's commonest statements.
        or_(*(deliveries.c.state == state for state in HELD)),
    )


_PLANNED = _ours().values(considered_to=bindparam("considered"), empty_because=bindparam("because"))
_GOES_OUT = _ours().values(lease_until=bindparam("until"), state=DeliveryState.POSTING)
_BEGINS = _PLANNED.values(lease_until=bindparam("until"), state=DeliveryState.POSTING)
_LANDED = _ours().values(failures=0, deaths=0)
_FINISHED = _LANDED.values(state=DeliveryState.POSTED, reason="", lease_until=None)

_PAGE = update(pages).where(pages.c.delivery == bindparam("its"), pages.c.number == bindparam("page"))
_PAGE_GOES_OUT = _PAGE.values(state=PageState.POSTING)
_PAGE_LANDED = _PAGE.values(
    state=bindparam("page_state"), receipt=bindparam("page_receipt"), posted_at=bindparam("landed_at")
)


def _change_all(
    connection: Connection,
    change: Update,
    claims: Sequence[Claim],
    told: Sequence[dict[str, Any]] = (),
) -> None:
    """Change the deliveries of these claims, each by what is told of it. Raises LeaseLostError when one is lost."""
    if not claims:
        return
    keys = [_key(one) for one in claims]
    rows = [key | values for key, values in zip(keys, told, strict=True)] if told else keys
    _expect(update_many(connection, change, rows), claims)


def _key(claim: Claim) -> dict[str, Any]:
    return {"its": claim.id, "ours": claim.owner, "try": claim.attempts}


def _expect(changed: int, claims: Sequence[Claim]) -> None:
    if changed != len(claims):
        names = ", ".join(f"{one.subscription.channel}, {one.edition}" for one in claims)
        raise LeaseLostError(f"{names}: another process has taken {'it' if len(claims) == 1 else 'one'} over")


def change(connection: Connection, claim: Claim, **values: Any) -> None:
    """Change a delivery that is still the claim's own."""
    change = _ours().values(owner=claim.owner, **values)
    _expect(connection.execute(change, _key(claim)).rowcount, [claim])


def _plan(connection: Connection, plans: Sequence[Plan]) -> None:
    _change_all(connection, _PLANNED, [one.claim for one in plans], [_told(one) for one in plans])
    keep(connection, [(one.claim, one.claim.pages) for one in plans])


def _told(plan: Plan | Begins) -> dict[str, Any]:
    return {"considered": plan.considered_to, "because": plan.claim.nothing or ""}


def _begin_to_post(connection: Connection, begun: Sequence[Begins]) -> None:
    told = [_told(one) | {"until": one.now + one.lease} for one in begun]
    _change_all(connection, _BEGINS, [one.claim for one in begun], told)
    keep(connection, [(one.claim, _first_goes_out(one.claim.pages)) for one in begun])


def _first_goes_out(planned: Sequence[PlannedPage]) -> list[PlannedPage]:
    return [replace(planned[0], state=PageState.POSTING), *planned[1:]]


def _go_out(connection: Connection, going: Sequence[GoesOut]) -> None:
    untils = [{"until": one.now + one.lease} for one in going]
    _change_all(connection, _GOES_OUT, [one.claim for one in going], untils)
    if going:
        update_many(connection, _PAGE_GOES_OUT, [{"its": one.claim.id, "page": one.page} for one in going])


def _land(connection: Connection, landed: Sequence[Landed]) -> None:
    if not landed:
        return
    _change_all(connection, _LANDED, [one.claim for one in landed if not one.last])
    _change_all(connection, _FINISHED, [one.claim for one in landed if one.last])
    update_many(connection, _PAGE_LANDED, [_landed_row(one) for one in landed])
    if told := [one for one in landed if one.receipt is not None]:
        _remember_posts(connection, told)


def _landed_row(landed: Landed) -> dict[str, Any]:
    state = PageState.SKIPPED if landed.receipt is None else PageState.POSTED
    key = {"its": landed.claim.id, "page": landed.page}
    return {**key, "page_state": state, "page_receipt": landed.receipt, "landed_at": landed.now}


def _remember_posts(connection: Connection, landed: Sequence[Landed]) -> None:
    """So that a reaction on a message is known to mean its papers."""
    new = [post for one in landed if (post := _new_post(one)).papers]
    if not new:
        return
    keys = write_posts(connection, new)
    said = said_of(connection, sorted({paper for post in new for paper in post.papers}))
    for post in new:
        if post.place in keys and post.said != {paper: said[paper] for paper in post.papers if paper in said}:
            # What changed since it was planned was gone through before there was a message.
            mend = {"post": keys[post.place], "due_at": post.posted_at, "noticed": 0, "tries": 0}
            insert_new(connection, schema.edits, {**mend, "said": "", "lost": False})


def _new_post(landed: Landed) -> NewPost:
    its_pages = {page.number: page for page in landed.claim.pages}
    page = its_pages[landed.page]
    return NewPost(
        landed.claim.subscription.channel,
        landed.receipt or "",
        page.papers,
        first_number=1 + sum(len(one.papers) for one in its_pages.values() if one.number < page.number),
        posted_at=landed.now,
        said={paper: page.said[paper] for paper in page.papers if paper in page.said},
        delivery=landed.claim.id,
        page=landed.page,
    )


def this_page(claim: Claim, number: int) -> Update:
    return update(pages).where(pages.c.delivery == claim.id, pages.c.number == number)
