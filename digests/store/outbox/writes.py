"""Outbox writes: the steps of a delivery, each fenced by the token of its claim."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Update, bindparam, or_, update

from digests.ports.outbox import (
    Claim,
    DeliveryState,
    FirstPageSending,
    LeaseLostError,
    OutboxWrite,
    PageSending,
    PageSent,
    PageState,
    PlannedPage,
    PlanSaved,
)
from digests.store import schema
from digests.store.engine import insert_many, update_many
from digests.store.outbox.conditions import LEASED
from digests.store.outbox.pages import insert_pages
from digests.store.posts import NewPost, insert_posts, state_of

deliveries, pages = schema.deliveries, schema.pages


def apply_writes(connection: Connection, writes: Sequence[OutboxWrite]) -> None:
    """Apply steps of deliveries, batched by type, in the caller's transaction, as `Outbox.apply` says.

    Raises LeaseLostError; the transaction must then be rolled back.
    """
    plans, first_pages, pages_sending, pages_sent = (
        list[PlanSaved](),
        list[FirstPageSending](),
        list[PageSending](),
        list[PageSent](),
    )
    for outbox_write in writes:
        match outbox_write:
            case PlanSaved():
                plans.append(outbox_write)
            case FirstPageSending():
                first_pages.append(outbox_write)
            case PageSending():
                pages_sending.append(outbox_write)
            case PageSent():
                pages_sent.append(outbox_write)
    _save_plans(connection, plans)
    _start_first_pages(connection, first_pages)
    _start_pages(connection, pages_sending)
    _record_pages_sent(connection, pages_sent)


def finish_delivery(connection: Connection, claim: Claim) -> None:
    """Mark a delivery as posted and release its lease.

    Raises LeaseLostError when the fencing token is stale.
    """
    _update_deliveries(connection, _DELIVERY_FINISHED, [claim])


def _update_with_fencing_token() -> Update:
    """Build an update that changes a delivery only under its current fencing token, owner and attempts."""
    return update(deliveries).where(
        deliveries.c.id == bindparam("delivery_key"),
        deliveries.c.owner == bindparam("claim_owner"),
        deliveries.c.attempts == bindparam("claim_attempts"),
        # Cheaper than IN, whose list SQLAlchemy expands again at every execution.
        or_(*(deliveries.c.state == state for state in LEASED)),
    )


_DELIVERY_PLAN_SAVED = _update_with_fencing_token().values(
    watermark=bindparam("new_watermark"), empty_reason=bindparam("new_empty_reason")
)
_DELIVERY_PAGE_SENDING = _update_with_fencing_token().values(
    lease_until=bindparam("new_lease_until"), state=DeliveryState.POSTING
)
_DELIVERY_FIRST_PAGE_SENDING = _DELIVERY_PLAN_SAVED.values(
    lease_until=bindparam("new_lease_until"), state=DeliveryState.POSTING
)
_DELIVERY_PAGE_SENT = _update_with_fencing_token().values(failures=0, crashes=0)
_DELIVERY_FINISHED = _DELIVERY_PAGE_SENT.values(state=DeliveryState.POSTED, reason="", lease_until=None)

_UPDATE_PAGE = update(pages).where(
    pages.c.delivery == bindparam("delivery_key"), pages.c.number == bindparam("page_number")
)
_PAGE_SENDING = _UPDATE_PAGE.values(state=PageState.POSTING)
_PAGE_SENT = _UPDATE_PAGE.values(
    state=bindparam("page_state"),
    receipt=bindparam("page_receipt"),
    posted_at=bindparam("page_posted_at"),
    file=None,
)


def _update_deliveries(
    connection: Connection,
    change: Update,
    claims: Sequence[Claim],
    value_rows: Sequence[dict[str, Any]] = (),
) -> None:
    """Update the deliveries of claims, with one row of values for each, or none if `change` has them all.

    Does nothing without claims. Raises LeaseLostError when a fencing token is stale.
    """
    if not claims:
        return
    keys = [_fencing_key_of(claim) for claim in claims]
    rows = [key | values for key, values in zip(keys, value_rows, strict=True)] if value_rows else keys
    _require_updated(update_many(connection, change, rows), claims)


def _fencing_key_of(claim: Claim) -> dict[str, Any]:
    return {"delivery_key": claim.id, "claim_owner": claim.owner, "claim_attempts": claim.attempts}


def _require_updated(updated_count: int, claims: Sequence[Claim]) -> None:
    if updated_count != len(claims):
        names = ", ".join(f"{claim.subscription.channel}, {claim.edition}" for claim in claims)
        raise LeaseLostError(f"{names}: another process has taken {'it' if len(claims) == 1 else 'one'} over")


def update_delivery(connection: Connection, claim: Claim, **values: Any) -> None:
    """Update one delivery; without values, only check its claim.

    Raises LeaseLostError when the fencing token is stale.
    """
    statement = _update_with_fencing_token().values(owner=claim.owner, **values)
    _require_updated(connection.execute(statement, _fencing_key_of(claim)).rowcount, [claim])


def _save_plans(connection: Connection, plans: Sequence[PlanSaved]) -> None:
    _update_deliveries(
        connection,
        _DELIVERY_PLAN_SAVED,
        [plan.claim for plan in plans],
        [_plan_values(plan) for plan in plans],
    )
    insert_pages(connection, [(plan.claim, plan.claim.pages) for plan in plans])


def _plan_values(plan: PlanSaved | FirstPageSending) -> dict[str, Any]:
    return {"new_watermark": plan.watermark, "new_empty_reason": plan.claim.empty_reason or ""}


def _start_first_pages(connection: Connection, first_pages: Sequence[FirstPageSending]) -> None:
    value_rows = [
        _plan_values(first_page) | {"new_lease_until": first_page.now + first_page.lease}
        for first_page in first_pages
    ]
    _update_deliveries(
        connection, _DELIVERY_FIRST_PAGE_SENDING, [first_page.claim for first_page in first_pages], value_rows
    )
    insert_pages(
        connection,
        [(first_page.claim, _with_first_page_sending(first_page.claim.pages)) for first_page in first_pages],
    )


def _with_first_page_sending(planned_pages: Sequence[PlannedPage]) -> list[PlannedPage]:
    return [replace(planned_pages[0], state=PageState.POSTING), *planned_pages[1:]]


def _start_pages(connection: Connection, pages_sending: Sequence[PageSending]) -> None:
    value_rows = [{"new_lease_until": sending.now + sending.lease} for sending in pages_sending]
    _update_deliveries(
        connection, _DELIVERY_PAGE_SENDING, [sending.claim for sending in pages_sending], value_rows
    )
    if pages_sending:
        update_many(
            connection,
            _PAGE_SENDING,
            [
                {"delivery_key": sending.claim.id, "page_number": sending.page_number}
                for sending in pages_sending
            ],
        )


def _record_pages_sent(connection: Connection, pages_sent: Sequence[PageSent]) -> None:
    if not pages_sent:
        return
    _update_deliveries(
        connection, _DELIVERY_PAGE_SENT, [sent.claim for sent in pages_sent if not sent.is_last]
    )
    _update_deliveries(connection, _DELIVERY_FINISHED, [sent.claim for sent in pages_sent if sent.is_last])
    update_many(connection, _PAGE_SENT, [_page_sent_row(sent) for sent in pages_sent])
    if confirmed_pages := [sent for sent in pages_sent if sent.receipt is not None]:
        _insert_new_posts(connection, confirmed_pages)


def _page_sent_row(page_sent: PageSent) -> dict[str, Any]:
    state = PageState.SKIPPED if page_sent.receipt is None else PageState.POSTED
    key = {"delivery_key": page_sent.claim.id, "page_number": page_sent.page_number}
    return {**key, "page_state": state, "page_receipt": page_sent.receipt, "page_posted_at": page_sent.now}


def _insert_new_posts(connection: Connection, pages_sent: Sequence[PageSent]) -> None:
    """Record posted messages that show papers, so that a reaction on one is attributed to its papers.

    A message whose papers changed since it was planned is enqueued for a refresh at once.
    """
    new_posts = [post for sent in pages_sent if (post := _post_from_page_sent(sent)).papers]
    if not new_posts:
        return
    keys = insert_posts(connection, new_posts)
    current_states = state_of(connection, sorted({paper for post in new_posts for paper in post.papers}))
    # Papers that changed after the plan were already searched for posts, before these existed.
    edit_rows = [
        {
            "post": keys[post.message_key],
            "due_at": post.posted_at,
            "change_seq": 0,
            "attempts": 0,
            "last_text": "",
            "is_abandoned": False,
        }
        for post in new_posts
        if post.message_key in keys
        and post.posted_states
        != {paper: current_states[paper] for paper in post.papers if paper in current_states}
    ]
    insert_many(connection, schema.post_edits, edit_rows, ignore_existing=True)


def _post_from_page_sent(page_sent: PageSent) -> NewPost:
    pages_by_number = {page.number: page for page in page_sent.claim.pages}
    page = pages_by_number[page_sent.page_number]
    return NewPost(
        page_sent.claim.subscription.channel,
        page_sent.receipt or "",
        page.papers,
        first_number=1
        + sum(len(planned.papers) for planned in pages_by_number.values() if planned.number < page.number),
        posted_at=page_sent.now,
        posted_states={
            paper: page.posted_states[paper] for paper in page.papers if paper in page.posted_states
        },
        delivery=page_sent.claim.id,
        page=page_sent.page_number,
    )


def update_page(claim: Claim, number: int) -> Update:
    """Build an update of one page of a claim.

    It does not check the fencing token: call `update_delivery` too.
    """
    return update(pages).where(pages.c.delivery == claim.id, pages.c.number == number)
