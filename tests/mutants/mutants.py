"""Faults that a careless change could bring in, each with the tests that must catch it.

`before` stands once in `file`, and is as short as that allows, so that a rename or a move takes little work.
`after` keeps syntax and types. Change or remove an entry together with the code that it is about, never to
make a run pass.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: `before` in `file` becomes `after`. Each of `tests` (pytest node ids) must then fail."""

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]


DELIVER = "tests/bot/delivery/test_deliver.py"
NOTICES = "tests/bot/delivery/test_failure_notices.py"
RENDER_CACHE = "tests/bot/delivery/test_render_cache.py"
OUTBOX = "tests/digests/store/outbox"
POSTGRES = "tests/digests/store/test_postgres.py"
CARRY_OVER = "tests/digests/store/test_carry_over.py"
CARRIED = "tests/digests/store/test_carried_over.py"
SLACK = "tests/bot/platforms/slack"
DISCORD = "tests/bot/platforms/discord"
HTTP = "tests/digests/sources/http"
SCHEDULE = "tests/digests/test_schedule.py"
NAMED = "tests/digests/store/test_named_digests.py"
PICK = "tests/digests/test_pick.py"
SUBSCRIPTIONS = "tests/bot/conversation/test_subscriptions.py"
WAYS = "tests/bot/conversation/test_ways_to_subscribe.py"
WISHES = "tests/digests/test_wishes.py::test_a_wish_is_answered_by_these_papers"
REVIEWERS = "tests/digests/reviewers"
FETCH_QUEUE = "tests/bot/conversation/test_paper_fetch_queue.py"
MARKS = "tests/digests/store/test_marks.py"
QUEUE = "tests/bot/conversation/test_queue.py"
PEOPLE = "tests/digests/store/test_people.py"
TOMBSTONES = "tests/digests/store/test_tombstones.py"
MODERATION = "tests/bot/conversation/test_moderation.py"
DECIDERS = f"{MODERATION}::test_only_the_deciders_of_the_operator_see_and_decide_held_papers"
UNDO_VALUES = (
    "tests/bot/conversation/test_subscriptions.py::test_an_odd_value_of_an_undo_button_is_one_sentence"
)
LIMITATIONS = "tests/digests/test_limitations.py"
DISCUSSIONS = "tests/digests/store/test_discussions.py"
TOKENS = "tests/digests/store/test_access_tokens.py"
MCP = "tests/bot/web/test_mcp_http.py"
PAGE = "tests/bot/web/test_operator_page.py"
BACKUP = "tests/digests/store/test_backup.py"
RESTORED = "tests/bot/delivery/test_restored_store.py"
RECAP_PICTURES = "tests/bot/platforms/test_recap_pictures.py"
DISCORD_EVENTS = "bot/platforms/discord/scheduled_events.py"
FAIR_USE = "tests/bot/conversation/test_fair_use.py"

POISON = f"{OUTBOX}/test_claims.py::test_a_poison_delivery_is_leased_alone_to_an_idle_worker[sqlite]"
INJECTIONS = "tests/digests/test_injections.py"
YARDSTICK = "tests/digests/test_injection_yardstick.py"
LINEAR = "tests/digests/test_linear_text.py::test_hostile_repeats_cost_no_more_than_their_length"
FULL_REVIEW = "tests/digests/reviewers/test_full_review.py"

MUTANTS: tuple[Mutant, ...] = (
    # Fencing, and write-before-post.
    # Look-ups.
    Mutant(
        "paper that names alone find taken for a text's hit",
        "digests/search/ranking.py",
        "    if score >= NAME:\n        return Match.NAME\n",
        "",
        (
            "tests/digests/search/test_queries.py::test_only_a_name_or_a_title_of_its_own_is_certain[KTO-True-3]",
        ),
    ),
    Mutant(
        "frequent words searched among all papers",
        "digests/search/ranking.py",
        "        if cost <= budget:\n",
        "        if cost:\n",
        ("tests/digests/search/test_index.py::test_frequent_words_are_searched_among_the_newest",),
    ),
    Mutant(
        "title that begins with the typed words ranked as any",
        "digests/search/title_fit.py",
        " + BEGINNING * (0 in starts)",
        "",
        (
            "tests/digests/search/test_title_fit.py::test_a_misspelt_word_fits_only_where_typing_errors_are_looked_for",
        ),
    ),
    Mutant(
        "words with a stop word between them joined in one",
        "digests/search/ranking.py",
        "            if is_typed and len(pair)",
        "            if len(pair)",
        ("tests/digests/search/test_queries.py::test_words_around_a_stop_word_are_no_neighbours",),
    ),
    Mutant(
        "papers of an unfinished index found twice",
        "digests/search/index.py",
        "                if seq > first_repeated:\n",
        "                if not first_repeated:\n",
        (
            "tests/digests/search/test_index.py::"
            "test_a_paper_that_changes_while_the_index_is_built_is_there_once",
        ),
    ),
    Mutant(
        "weak hits named beside the paper that is meant",
        "bot/present/lookup.py",
        " if found.match > Match.WEAK]",
        "]",
        (
            "tests/bot/conversation/test_lookup.py::"
            "test_weak_hits_are_not_named_beside_the_paper_that_is_meant",
        ),
    ),
    Mutant(
        "marks of a workspace in a direct message",
        "bot/conversation/lookup.py",
        "        if not channel.channel:\n            return frozenset()\n",
        "",
        (
            "tests/bot/conversation/test_lookup.py::"
            "test_marks_of_the_workspace_are_given_to_the_search_and_none_in_a_direct_message",
        ),
    ),
    Mutant(
        "direct messages of strangers answered",
        "bot/platforms/discord/listeners/messages.py",
        "                if not await self.members.is_member(author, guilds):\n"
        "                    raise PaperroundError(FOREIGN_PERSON)\n",
        "",
        (
            f"{DISCORD}/test_servers.py::"
            "test_a_direct_message_is_a_look_up_for_people_of_a_served_server_alone",
        ),
    ),
    Mutant(
        "fencing token left out of the update",
        "digests/store/outbox/writes.py",
        'deliveries.c.attempts == bindparam("claim_attempts")',
        'deliveries.c.attempts >= bindparam("claim_attempts")',
        (f"{OUTBOX}/test_writes.py::test_an_earlier_claim_of_the_same_owner_can_write_nothing[sqlite]",),
    ),
    Mutant(
        "owner left out of the update",
        "digests/store/outbox/writes.py",
        'deliveries.c.owner == bindparam("claim_owner")',
        'or_(deliveries.c.owner != "", deliveries.c.owner == bindparam("claim_owner"))',
        (f"{OUTBOX}/test_writes.py::test_only_the_owner_of_a_delivery_can_write_to_it[sqlite]",),
    ),
    Mutant(
        "write to a delivery that is no longer leased",
        "digests/store/outbox/writes.py",
        "state for state in LEASED)",
        "state for state in DeliveryState)",
        (f"{OUTBOX}/test_writes.py::test_a_rescheduled_delivery_takes_no_write_of_its_former_claim[sqlite]",),
    ),
    Mutant(
        "batch written although one of its claims is lost",
        "digests/store/outbox/writes.py",
        "if updated_count != len(claims):",
        "if not updated_count:",
        (f"{OUTBOX}/test_writes.py::test_a_batch_with_a_lost_claim_writes_nothing[sqlite]",),
    ),
    Mutant(
        "first page not marked as sending before its post",
        "digests/store/outbox/writes.py",
        "planned_pages[0], state=PageState.POSTING",
        "planned_pages[0], state=PageState.PLANNED",
        (f"{DELIVER}::test_a_worker_killed_around_any_post_leaves_each_page_posted_once[after-1]",),
    ),
    Mutant(
        "later page not marked as sending before its post",
        "digests/store/outbox/writes.py",
        "_PAGE_SENDING = _UPDATE_PAGE.values(state=PageState.POSTING)",
        "_PAGE_SENDING = _UPDATE_PAGE.values(state=PageState.PLANNED)",
        (f"{DELIVER}::test_a_worker_killed_around_any_post_leaves_each_page_posted_once[after-2]",),
    ),
    Mutant(
        "plan and first page in two transactions",
        "bot/delivery/deliver.py",
        "        if planned.pages:\n            self.unsaved",
        "        if planned.pages and not rendered.pages:\n            self.unsaved",
        (f"{DELIVER}::test_the_plan_and_the_first_page_are_written_in_one_transaction",),
    ),
    Mutant(
        "watermark of a plan lost",
        "bot/delivery/deliver.py",
        "self.unsaved_watermark = rendered.watermark",
        "self.unsaved_watermark = 0",
        (f"{DELIVER}::test_the_next_edition_considers_only_the_papers_since_the_last_one",),
    ),
    Mutant(
        "page posted although the outbox took too long",
        "bot/delivery/deliver.py",
        "if elapsed >= timeout:",
        "if elapsed > timeout * 10**6:",
        (f"{DELIVER}::test_a_worker_stopped_past_its_lease_does_not_post_when_it_resumes",),
    ),
    Mutant(
        "time left by the monotonic clock alone, which stops while a machine sleeps",
        "bot/delivery/deliver.py",
        "max(context.clock() - started_at, ",
        "max(timedelta(), ",
        (f"{DELIVER}::test_a_worker_stopped_past_its_lease_does_not_post_when_it_resumes",),
    ),
    Mutant(
        "time left by the wall clock alone, which may be set back",
        "bot/delivery/deliver.py",
        "timedelta(seconds=monotonic() - monotonic_start)",
        "timedelta()",
        (f"{DELIVER}::test_a_page_is_not_posted_after_a_slow_write_even_if_the_wall_clock_stood_still",),
    ),
    Mutant(
        "thread of a digest lost by the worker that resumes it",
        "bot/delivery/deliver.py",
        "                return page.receipt\n            case PageState.PLANNED",
        "                return None\n            case PageState.PLANNED",
        (f"{DELIVER}::test_a_resumed_thread_continues_under_its_first_page[before-2]",),
    ),
    # Secrets in what is shown.
    Mutant(
        "query of a source's address shown",
        "digests/sources/watched.py",
        "                    describe_address(self.url),\n",
        "                    self.url,\n",
        ("tests/digests/sources/test_watched.py::test_no_sentence_about_an_address_shows_its_query",),
    ),
    Mutant(
        "addresses shown by the representation of the settings",
        "config/settings.py",
        'yield name, "(hidden)" if is_hidden and value else value',
        "yield name, value if is_hidden and value else value",
        (
            "tests/config/test_settings.py"
            "::test_no_address_with_a_secret_is_shown_by_the_settings_but_every_part_can_use_it",
        ),
    ),
    Mutant(
        "user and password of an address shown",
        "digests/sources/http/addresses.py",
        "host, port = parts.hostname, parts.port",
        "host, port = parts.netloc, None",
        (
            "tests/digests/sources/http/test_addresses.py"
            "::test_an_address_is_shown_without_user_password_query_and_fragment",
        ),
    ),
    Mutant(
        "log keeps what libraries write of secrets",
        "bot/cli/safe_text.py",
        "escape_controls(hide_secrets(super().format(record)))",
        "escape_controls(super().format(record))",
        ("tests/bot/cli/test_redaction.py::test_a_log_record_and_its_traceback_lose_secrets",),
    ),
    # What other accounts of the machine can read.
    Mutant(
        "store created by SQLite, with the rights that umask leaves",
        "digests/store/engine.py",
        "            create_private_file(file)\n",
        "            file.touch()\n",
        ("tests/digests/test_private_files.py::test_a_new_store_has_its_mode_before_anything_is_in_it",),
    ),
    Mutant(
        "files of an existing store left readable",
        "digests/store/engine.py",
        "        restrict_to_owner(files)\n",
        "        restrict_to_owner([])\n",
        (
            "tests/digests/test_private_files.py"
            "::test_the_files_of_an_existing_store_are_restricted_when_it_is_opened",
        ),
    ),
    Mutant(
        "commands keep the umask of the shell",
        "bot/cli/main.py",
        "PRIVATE_UMASK = 0o077",
        "PRIVATE_UMASK = 0o000",
        ("tests/bot/cli/test_file_modes.py::test_new_files_of_libraries_are_private_from_the_start",),
    ),
    # Reconciliation of what nobody knows.
    Mutant(
        "one look instead of two",
        "bot/delivery/deliver.py",
        "            found = await self._find_page(page, SLOT_SHARE * policy.find_timeout.total_seconds())",
        "            found = None",
        (f"{DELIVER}::test_a_page_missing_from_a_lagging_history_is_searched_twice",),
    ),
    Mutant(
        "no time-out between the two looks",
        "bot/delivery/context.py",
        "return max(self.absence_wait, self.history_lag + self.timeout)",
        "return max(self.absence_wait, self.history_lag)",
        (f"{DELIVER}::test_reconciling_waits_for_the_request_of_another_worker_before_a_resend",),
    ),
    Mutant(
        "no wait before a page counts as absent",
        "bot/delivery/deliver.py",
        "await self.context.sleep(policy.proof_wait.total_seconds())",
        "await self.context.sleep(0)",
        (f"{DELIVER}::test_a_page_that_never_arrived_is_posted_again_in_its_place",),
    ),
    Mutant(
        "plan stored once more with a first page that is posted again",
        "bot/delivery/deliver.py",
        "            self.unsaved_watermark = None",
        "            pass",
        (f"{DELIVER}::test_a_page_whose_answers_are_lost_too_often_is_retried_later",),
    ),
    Mutant(
        "history asked although its requests are used up",
        "bot/delivery/rate_limit.py",
        "        if wait > max_wait:",
        "        if False:",
        (
            "tests/bot/delivery/test_rate_limit.py::test_the_history_of_a_workspace_is_asked_so_often_in_a_minute",
        ),
    ),
    Mutant(
        "poison delivery taken over every second",
        "digests/store/worker_locks.py",
        "        deliveries.c.crashes < POISON_AFTER,",
        "        deliveries.c.crashes >= 0,",
        ("tests/digests/store/test_worker_locks.py::test_a_poison_delivery_waits_for_its_lease[sqlite]",),
    ),
    Mutant(
        "paused worker counts as dead",
        "digests/store/leadership.py",
        "        except BlockingIOError:\n            return False",
        "        except BlockingIOError:\n            return True",
        ("tests/digests/store/test_worker_locks.py::test_a_paused_worker_beside_sqlite_lives",),
    ),
    Mutant(
        "lock given up before the last delivery has ended",
        "bot/delivery/worker.py",
        "            await work  # Until then",
        "            await worker.liveness.release()  # Until then",
        ("tests/bot/delivery/test_liveness.py::test_the_lock_is_kept_until_the_last_delivery_has_ended",),
    ),
    Mutant(
        "unknown page sent again against the setting",
        "bot/delivery/deliver.py",
        "(found is CANNOT_ASK and policy.on_unknown is UnknownPolicy.RESEND)",
        "(found is CANNOT_ASK and policy.on_unknown in UnknownPolicy)",
        (f"{DELIVER}::test_the_unknown_policy_decides_where_a_channel_has_no_history",),
    ),
    Mutant(
        "ambiguous outcome treated as not posted",
        "bot/delivery/deliver.py",
        "if error.outcome is not Outcome.UNKNOWN:",
        "if error.outcome is not Outcome.GONE:",
        (f"{DELIVER}::test_an_ambiguous_post_is_reconciled_before_it_is_retried",),
    ),
    Mutant(
        "refused search taken for a refused page",
        "bot/delivery/deliver.py",
        "            if error.outcome is not Outcome.REFUSED:\n                raise\n            # The",
        "            if error.outcome is not Outcome.GONE:\n                raise\n            # The",
        (f"{DELIVER}::test_a_refused_search_gives_up_no_edition",),
    ),
    Mutant(
        "thread of another person searched for a page of Slack",
        "bot/platforms/slack/client.py",
        'parent.get("reply_count") and _key_of(parent)',
        'parent.get("reply_count")',
        (f"{SLACK}/test_client.py::test_a_page_is_found_in_its_thread_although_people_have_newer_ones",),
    ),
    Mutant(
        "search in Slack that goes on behind messages that are too old",
        "bot/platforms/slack/client.py",
        'messages[-1]["ts"]',
        'messages[0]["ts"]',
        (f"{SLACK}/test_client.py::test_a_search_ends_with_the_first_message_that_is_too_old",),
    ),
    Mutant(
        "page missing from the first posts of a forum taken for absent",
        "bot/platforms/discord/history.py",
        "return CANNOT_ASK if len(searched) > MAX_SEARCHED_POSTS else None",
        "return None",
        (f"{DISCORD}/test_client.py::test_a_forum_with_too_many_posts_to_search_cannot_be_searched",),
    ),
    Mutant(
        "papers of a page in doubt returned against the setting",
        "bot/delivery/deliver.py",
        "on_unknown is UnknownPolicy.RESEND))\n",
        "on_unknown in UnknownPolicy))\n",
        (f"{DELIVER}::test_the_unknown_policy_decides_if_a_page_in_doubt_counts_as_shown[skip-papers0]",),
    ),
    Mutant(
        "search that begins with the edition's date in UTC",
        "bot/delivery/deliver.py",
        " - TIME_ZONE_MARGIN",
        "",
        (f"{DELIVER}::test_a_page_posted_before_its_edition_begins_in_utc_is_searched_for",),
    ),
    # Retries, give-up and quarantine.
    Mutant(
        "retries without an end",
        "bot/delivery/deliver.py",
        "if is_day_over and claim.failures + 1 >= context.policy.min_attempts:",
        "if is_day_over and claim.failures < 0:",
        (f"{DELIVER}::test_a_failing_digest_is_given_up_when_its_day_ends_and_the_next_one_says_so",),
    ),
    Mutant(
        "edition given up before its day is over",
        "bot/delivery/deliver.py",
        "if is_day_over and claim",
        "if claim",
        (f"{DELIVER}::test_a_failed_digest_is_retried_until_its_day_ends",),
    ),
    Mutant(
        "no backoff between retries",
        "bot/delivery/deliver.py",
        "2 ** min(failures, 9)",
        "1",
        (f"{DELIVER}::test_the_backoff_doubles_up_to_a_quarter_of_an_hour_with_jitter",),
    ),
    Mutant(
        "no jitter in the backoff",
        "bot/delivery/deliver.py",
        "return backoff * (1 + jitter / 4)",
        "return backoff",
        (f"{DELIVER}::test_the_backoff_doubles_up_to_a_quarter_of_an_hour_with_jitter",),
    ),
    Mutant(
        "poison delivery retried for ever",
        "bot/delivery/deliver.py",
        "if self.claim.crashes >= max(self.context.policy.min_attempts, MIN_CRASHES):",
        "if self.claim.crashes < 0:",
        (f"{DELIVER}::test_a_poison_delivery_is_given_up_and_affects_no_other",),
    ),
    Mutant(
        "poison delivery leased with others",
        "digests/store/outbox/claims.py",
        "_select_unfinished(not_(_IS_POISON))",
        "_select_unfinished(or_(_IS_POISON, not_(_IS_POISON)))",
        (POISON,),
    ),
    Mutant(
        "poison delivery leased to a busy worker",
        "digests/store/outbox/claims.py",
        "if not claims and not self._is_worker_busy():",
        "if not claims:",
        (POISON,),
    ),
    Mutant(
        "superseded edition not given up when a newer one is due",
        "digests/store/outbox/claims.py",
        "items() if key not in existing_keys}",
        "items() if key in existing_keys}",
        (
            f"{OUTBOX}/test_abandon.py"
            "::test_a_superseded_edition_returns_its_papers_and_its_watermark[sqlite]",
        ),
    ),
    Mutant(
        "superseded edition not given up when a newer one is asked for",
        "digests/store/outbox/claims.py",
        "self.connection, {subscription.id: edition}, self.now\n",
        "self.connection, dict[int, date](), self.now\n",
        (f"{OUTBOX}/test_abandon.py::test_a_requested_edition_supersedes_an_older_one[sqlite]",),
    ),
    Mutant(
        "unseen papers not returned on give-up",
        "digests/store/outbox/abandon.py",
        "return_unseen_papers(connection, [claim.id], ",
        "return_unseen_papers(connection, [], ",
        (f"{OUTBOX}/test_abandon.py::test_a_failed_edition_returns_the_papers_of_its_unsent_pages[sqlite]",),
    ),
    Mutant(
        "unseen papers of a superseded edition not returned",
        "digests/store/outbox/abandon.py",
        "return_unseen_papers(connection, abandoned_keys)",
        "return_unseen_papers(connection, [])",
        (
            f"{OUTBOX}/test_abandon.py"
            "::test_a_superseded_edition_returns_its_papers_and_its_watermark[sqlite]",
        ),
    ),
    Mutant(
        "seen papers returned on give-up",
        "digests/store/outbox/abandon.py",
        "pages.c.state.not_in(seen_states)",
        "pages.c.state.in_(list(PageState))",
        (f"{OUTBOX}/test_abandon.py::test_a_failed_edition_returns_the_papers_of_its_unsent_pages[sqlite]",),
    ),
    Mutant(
        "watermark of a superseded edition kept",
        "digests/store/outbox/abandon.py",
        '"next_try_at": None, "watermark": None}',
        '"next_try_at": None}',
        (
            f"{OUTBOX}/test_abandon.py"
            "::test_a_superseded_edition_returns_its_papers_and_its_watermark[sqlite]",
        ),
    ),
    Mutant(
        "pages of an earlier attempt counted as progress",
        "bot/delivery/deliver.py",
        "if page.state not in _FINISHED_STATES:\n",
        "if page.number >= 0:\n",
        (f"{DELIVER}::test_pages_of_an_earlier_attempt_are_no_progress",),
    ),
    Mutant(
        "crashes counted across a page that was posted",
        "digests/store/outbox/writes.py",
        "values(failures=0, crashes=0)",
        "values(failures=0)",
        (f"{OUTBOX}/test_claims.py::test_a_crash_counts_as_a_failure_until_a_page_is_confirmed[sqlite]",),
    ),
    Mutant(
        "crashes counted across a failure",
        "digests/store/outbox/outbox.py",
        "crashes=0 if is_failure else deliveries.c.crashes",
        "crashes=deliveries.c.crashes",
        (f"{OUTBOX}/test_claims.py::test_a_failure_ends_a_row_of_crashes_and_a_release_does_not[sqlite]",),
    ),
    Mutant(
        "crashes forgotten by a release",
        "digests/store/outbox/outbox.py",
        "crashes=0 if is_failure else deliveries.c.crashes",
        "crashes=0",
        (f"{OUTBOX}/test_claims.py::test_a_failure_ends_a_row_of_crashes_and_a_release_does_not[sqlite]",),
    ),
    Mutant(
        "crashes kept by a reopened edition",
        "digests/store/outbox/abandon.py",
        "**fresh_values, failures=0, crashes=0",
        "**fresh_values, failures=0",
        (f"{OUTBOX}/test_claims.py::test_a_reopened_edition_has_no_failures_and_no_crashes[sqlite]",),
    ),
    Mutant(
        "failures kept by a reopened edition",
        "digests/store/outbox/abandon.py",
        "**fresh_values, failures=0, crashes=0",
        "**fresh_values, crashes=0",
        (f"{OUTBOX}/test_claims.py::test_a_reopened_edition_has_no_failures_and_no_crashes[sqlite]",),
    ),
    Mutant(
        "recap left unfinished by a pause",
        "digests/store/outbox/abandon.py",
        "_UNFINISHED_DELIVERIES, before, PAUSED",
        "_UNFINISHED_DIGESTS, before, PAUSED",
        (f"{OUTBOX}/test_abandon.py::test_a_pause_gives_up_the_unfinished_deliveries_of_every_kind[sqlite]",),
    ),
    Mutant(
        "edition that a stop ended named as missed",
        "digests/store/outbox/abandon.py",
        "            deliveries.c.reason != PAUSED_REASON,\n",
        "",
        (
            f"{OUTBOX}/test_claims.py::test_an_edition_that_a_stop_left_unfinished_is_not_missed_after_it[sqlite]",
        ),
    ),
    Mutant(
        "leased delivery of an unreadable subscription given up",
        "digests/store/outbox/abandon.py",
        "unleased = _UNFINISHED_DELIVERIES.where(not_(has_live_lease(now))).with",
        "unleased = _UNFINISHED_DELIVERIES.with",
        (
            "tests/digests/store/test_damage.py::test_a_leased_delivery_of_an_unreadable_subscription_is_left_to_its_worker[sqlite]",
        ),
    ),
    Mutant(
        "paper of two pages recorded on the last one",
        "digests/store/outbox/pages.py",
        "page in reversed(planned_pages)",
        "page in planned_pages",
        (f"{OUTBOX}/test_pages.py::test_a_paper_of_two_pages_is_shown_by_the_first_of_them[sqlite]",),
    ),
    Mutant(
        "partly posted edition not counted as delivered",
        "digests/store/outbox/abandon.py",
        "or_(deliveries.c.state.in_(DELIVERED), has_begun())",
        "deliveries.c.state.in_(DELIVERED)",
        (f"{OUTBOX}/test_claims.py::test_a_partly_posted_edition_ends_the_row_of_missed_ones[sqlite]",),
    ),
    Mutant(
        "first reason of a stop overwritten",
        "digests/store/outbox/abandon.py",
        'subscription.id, table.c.stop_reason == "")',
        "subscription.id)",
        (f"{OUTBOX}/test_abandon.py::test_a_stopped_channel_keeps_its_first_reason[sqlite]",),
    ),
    Mutant(
        "digest with invalid preferences kept running",
        "bot/delivery/deliver.py",
        "str(error), context, stop=True)",
        "str(error), context)",
        (f"{DELIVER}::test_a_failing_channel_does_not_affect_others",),
    ),
    Mutant(
        "papers of a skipped page returned",
        "digests/ports/outbox.py",
        "(PageState.POSTING, PageState.POSTED, PageState.SKIPPED)",
        "(PageState.POSTING, PageState.POSTED)",
        (f"{OUTBOX}/test_abandon.py::test_a_failed_edition_keeps_the_papers_of_a_skipped_page[sqlite]",),
    ),
    # Claims and leases.
    Mutant(
        "a lease that never ends",
        "digests/store/outbox/claims.py",
        "deliveries.c.lease_until <= now)",
        "deliveries.c.lease_until.is_(None))",
        (f"{OUTBOX}/test_claims.py::test_an_edition_is_leased_once_until_its_lease_expires[sqlite]",),
    ),
    Mutant(
        "a lease that protects nothing",
        "digests/store/outbox/claims.py",
        "deliveries.c.lease_until <= now)",
        "deliveries.c.lease_until.is_not(None))",
        (f"{OUTBOX}/test_claims.py::test_an_edition_is_leased_once_until_its_lease_expires[sqlite]",),
    ),
    Mutant(
        "two editions of a channel in progress",
        "digests/store/outbox/conditions.py",
        "or_(has_live_lease(now, table), has_begun(table))",
        "has_live_lease(now, table)",
        (
            f"{OUTBOX}/test_abandon.py::test_a_partly_sent_edition_is_finished_before_a_newer_one_begins"
            "[sqlite]",
        ),
    ),
    Mutant(
        "delivery of another kind that blocks a digest",
        "digests/store/outbox/conditions.py",
        "        is_digest(table),\n",
        "",
        (
            f"{OUTBOX}/test_abandon.py"
            "::test_a_recap_in_progress_neither_blocks_nor_is_superseded_by_a_newer_digest[sqlite]",
        ),
    ),
    Mutant(
        "delivery of another kind superseded by a digest",
        "digests/store/outbox/abandon.py",
        "_UNFINISHED_DELIVERIES.where(is_digest())",
        "_UNFINISHED_DELIVERIES",
        (
            f"{OUTBOX}/test_abandon.py"
            "::test_a_recap_in_progress_neither_blocks_nor_is_superseded_by_a_newer_digest[sqlite]",
        ),
    ),
    Mutant(
        "papers of another kind counted as shown",
        "digests/store/outbox/pages.py",
        "        if claim.kind is DeliveryKind.DIGEST\n",
        "",
        (f"{OUTBOX}/test_reports.py::test_a_recap_counts_no_paper_as_shown_and_moves_no_watermark[sqlite]",),
    ),
    Mutant(
        "delivery leased of a kind that nobody asked for",
        "digests/store/outbox/claims.py",
        'in_json_array(deliveries.c.kind, "kinds")',
        "is_one_of(deliveries.c.kind, DeliveryKind)",
        (
            f"{OUTBOX}/test_claims.py::test_only_deliveries_of_the_requested_kinds_are_leased[sqlite]",
            f"{OUTBOX}/test_claims.py::test_only_deliveries_of_the_requested_kinds_are_leased[postgresql]",
        ),
    ),
    Mutant(
        "digest built for a delivery of another kind",
        "bot/delivery/deliver.py",
        "return await self._plan_recap()",
        "return await self._plan_digest()",
        (f"{DELIVER}::test_the_recap_of_a_quiet_week_posts_no_digest",),
    ),
    Mutant(
        "waiting delivery of an old store lost",
        "digests/store/carry_over.py",
        '{"quiet": "empty", "waiting": "retrying"}',
        '{"quiet": "empty"}',
        (
            f"{CARRIED}::test_the_deliveries_that_are_due_are_those_of_the_old_store"
            "[sqlite-2026-11-24 10:05:30-expected0-quarantined0]",
        ),
    ),
    Mutant(
        "key of an old page not carried over",
        "digests/store/carry_over.py",
        '{"idempotency_key": "key", ',
        '{"idempotency_key": "papers", ',
        (
            "tests/bot/platforms/test_carried_over.py"
            "::test_a_page_in_doubt_is_reconciled_in_slack_under_its_old_key[sqlite-found]",
        ),
    ),
    Mutant(
        "old process over PostgreSQL not seen by a copy",
        "digests/store/carry_over.py",
        "AND objsubid = 1 ",
        "AND objsubid = 2 ",
        (f"{CARRY_OVER}::test_a_process_of_an_old_checkout_is_seen_in_every_role[posts]",),
    ),
    Mutant(
        "error of a copy's source blamed on its target",
        "digests/store/copying.py",
        "with translate_errors(self.name), self._describe_damage(table):",
        "with self._describe_damage(table):",
        (
            f"{CARRY_OVER}::test_a_source_with_rows_that_cannot_be_carried_over_is_refused_in_one_sentence"
            "[no column]",
        ),
    ),
    Mutant(
        "store copied into one in use",
        "digests/store/copying.py",
        "if is_any_role_held(new):",
        "if is_any_role_held(old):",
        (f"{CARRY_OVER}::test_a_target_that_is_led_or_not_empty_is_refused_and_left_as_it_was[sqlite]",),
    ),
    Mutant(
        "due subscriptions claimed without SKIP LOCKED",
        "digests/store/outbox/claims.py",
        ".order_by(*_OVERDUE_FIRST)\n    .with_for_update(skip_locked=True)\n)",
        ".order_by(*_OVERDUE_FIRST)\n    .with_for_update()\n)",
        (f"{POSTGRES}::test_a_locked_due_subscription_is_skipped",),
    ),
    Mutant(
        "unfinished deliveries claimed without SKIP LOCKED",
        "digests/store/outbox/claims.py",
        "        .with_for_update(skip_locked=True)\n    )",
        "        .with_for_update()\n    )",
        (f"{POSTGRES}::test_a_locked_unfinished_delivery_is_skipped",),
    ),
    Mutant(
        "more claimed of one workspace than it may have",
        "digests/store/outbox/claims.py",
        "counts[workspace] < self.limit_per_workspace",
        "counts[workspace] <= self.limit_per_workspace",
        (
            f"{OUTBOX}/test_claims.py"
            "::test_the_limit_per_workspace_holds_for_retries_and_due_editions[sqlite]",
        ),
    ),
    Mutant(
        "lease of a clock that was far ahead kept",
        "digests/store/outbox/clock_skew.py",
        "leased.values(lease_until=now + lease)",
        "leased.values(lease_until=deliveries.c.lease_until)",
        (
            f"{OUTBOX}/test_clock_skew.py"
            "::test_a_lease_from_a_clock_far_ahead_is_shortened_and_others_are_kept[sqlite]",
        ),
    ),
    Mutant(
        "clock that went back not noticed",
        "bot/delivery/worker.py",
        "now < self._last_clock_reading - MAX_CLOCK_CORRECTION",
        "now < EPOCH",
        ("tests/bot/delivery/test_worker.py::test_a_clock_that_was_ahead_and_went_back_loses_no_day",),
    ),
    Mutant(
        "one workspace takes every place",
        "bot/delivery/worker.py",
        "return self.in_flight[workspace] >= self.limit",
        "return self.in_flight[workspace] >= 10 * self.limit",
        ("tests/bot/delivery/test_worker.py::test_a_claim_beyond_the_slots_of_its_workspace_waits",),
    ),
    Mutant(
        "two leaders over one file",
        "digests/store/leadership.py",
        "fcntl.LOCK_EX",
        "fcntl.LOCK_SH",
        (
            "tests/digests/store/test_leadership.py"
            "::test_one_of_two_processes_leads_until_it_releases_the_lock[sqlite]",
        ),
    ),
    Mutant(
        "leader that does not ask whether its session is lost",
        "digests/store/leadership.py",
        "session.execute(_PING)",
        "session.in_transaction()",
        (
            "tests/digests/store/test_leadership.py"
            "::test_a_cut_connection_loses_every_lock_and_a_new_session_takes_new_ones",
        ),
    ),
    Mutant(
        "sequence number without lock",
        "digests/store/library.py",
        '.where(schema.counters.c.name == "change").with_for_update()',
        '.where(schema.counters.c.name == "change")',
        (f"{POSTGRES}::test_sequence_numbers_of_concurrent_imports_become_visible_in_order",),
    ),
    Mutant(
        "lease not renewed by a later page",
        "digests/store/outbox/writes.py",
        "sending.now + sending.lease",
        "sending.claim.lease_until",
        (f"{OUTBOX}/test_writes.py::test_each_page_renews_the_lease[sqlite]",),
    ),
    Mutant(
        "lease not renewed by the first page",
        "digests/store/outbox/writes.py",
        "first_page.now + first_page.lease",
        "first_page.claim.lease_until",
        (f"{OUTBOX}/test_writes.py::test_each_page_renews_the_lease[sqlite]",),
    ),
    Mutant(
        "unreadable delivery takes the place of another",
        "digests/store/outbox/claims.py",
        "if row_count == len(batch):",
        "if batch or row_count == len(batch):",
        ("tests/digests/store/test_damage.py::test_an_unreadable_delivery_takes_no_place_of_another",),
    ),
    Mutant(
        "edition delivered early due again",
        "digests/store/outbox/claims.py",
        "while coming.edition <= edition:",
        "while coming.edition < edition:",
        (f"{OUTBOX}/test_claims.py::test_an_edition_delivered_early_is_not_leased_when_due[sqlite]",),
    ),
    Mutant(
        "edition from before the subscription begun after a clock was ahead",
        "digests/store/subscriptions.py",
        "today if today in recent_editions else due.edition",
        "today",
        (
            "tests/digests/store/test_subscriptions.py"
            "::test_a_clock_that_is_behind_begins_no_edition_from_before_the_channel_subscribed[sqlite]",
        ),
    ),
    Mutant(
        "recap counted as the digest of its date",
        "digests/store/subscriptions.py",
        "RECENT_PERIOD).date(), is_digest()\n",
        "RECENT_PERIOD).date()\n",
        (
            "tests/digests/store/test_subscriptions.py::test_a_recap_of_today_takes_no_edition_from_a_new_schedule[sqlite]",
        ),
    ),
    Mutant(
        "digest reopened after its day",
        "bot/delivery/deliver.py",
        "if rendered.empty_reason or now >= late_until:",
        "if rendered.empty_reason:",
        (
            "tests/bot/delivery/test_late_papers.py::test_a_worker_that_takes_a_reopened_digest_over_after_local_midnight_leaves_it_empty",
        ),
    ),
    Mutant(
        "empty digest reopened by papers that it considered",
        "bot/delivery/deliver.py",
        "claim.edition + timedelta(days=1))\n",
        "claim.edition)\n",
        (
            "tests/bot/delivery/test_late_papers.py::test_unwanted_late_papers_leave_the_message_and_are_counted_in_the_next_edition",
        ),
    ),
    Mutant(
        "claims left leased after one that was lost",
        "bot/delivery/worker.py",
        "except LeaseLostError:\n                continue",
        "except LeaseLostError:\n                return",
        (
            "tests/bot/delivery/test_worker.py::test_released_claims_have_no_failure_even_after_one_whose_lease_was_lost",
        ),
    ),
    Mutant(
        "release counted as a failure",
        "bot/delivery/worker.py",
        "is_failure=False",
        "is_failure=True",
        (
            "tests/bot/delivery/test_worker.py::test_released_claims_have_no_failure_even_after_one_whose_lease_was_lost",
        ),
    ),
    Mutant(
        "lock held on a file that another process replaced",
        "digests/store/leadership.py",
        "path.stat().st_ino == os.fstat(lock).st_ino",
        "path.exists()",
        ("tests/digests/store/test_leadership.py::test_a_lock_whose_file_was_replaced_is_lost",),
    ),
    Mutant(
        "edition of a clock far ahead blocks earlier ones",
        "digests/store/outbox/claims.py",
        "or_(due.c.next_edition.is_(None), deliveries.c.edition < due.c.next_edition)",
        "deliveries.c.edition == deliveries.c.edition",
        (
            f"{OUTBOX}/test_clock_skew.py::test_an_edition_begun_by_a_clock_far_ahead_blocks_no_earlier_one[sqlite]",
        ),
    ),
    Mutant(
        "failing deliveries retried before others",
        "digests/store/outbox/claims.py",
        "deliveries.c.crashes, deliveries.c.failures, deliveries.c.id",
        "deliveries.c.id",
        (f"{OUTBOX}/test_claims.py::test_of_two_retries_the_one_with_fewer_failures_comes_first[sqlite]",),
    ),
    Mutant(
        "edition inserted again although it was delivered early",
        "digests/store/outbox/claims.py",
        "subscription for subscription in due if subscription.id not in existing_keys",
        "subscription for subscription in due",
        (
            f"{OUTBOX}/test_claims.py::test_an_edition_delivered_before_an_earlier_one_is_not_leased_when_due[sqlite]",
        ),
    ),
    Mutant(
        "review scheduled by a clock far ahead not repaired",
        "digests/store/outbox/clock_skew.py",
        ", review_queue.c.next_try_at):",
        "):",
        (
            f"{OUTBOX}/test_clock_skew.py::test_a_review_scheduled_by_a_clock_far_ahead_is_due_at_once[sqlite]",
        ),
    ),
    Mutant(
        "shortest wait of a post edit not repaired",
        "digests/store/outbox/clock_skew.py",
        "post_edits.c.not_before, ",
        "",
        (f"{OUTBOX}/test_clock_skew.py::test_post_edits_of_a_clock_far_ahead_are_due_at_once[sqlite]",),
    ),
    Mutant(
        "post edit of a clock far ahead not repaired",
        "digests/store/outbox/clock_skew.py",
        "(post_edits.c.due_at, ",
        "(",
        (f"{OUTBOX}/test_clock_skew.py::test_post_edits_of_a_clock_far_ahead_are_due_at_once[sqlite]",),
    ),
    Mutant(
        "pages of an edition that a clock far ahead began lost",
        "digests/store/outbox/clock_skew.py",
        "        not_(has_posted_page),\n",
        "",
        (f"{OUTBOX}/test_clock_skew.py::test_an_edition_begun_by_a_clock_far_ahead_keeps_its_pages[sqlite]",),
    ),
    # Batches, rate limits, caches, notices, edits.
    Mutant(
        "one fault fails a whole batch",
        "bot/delivery/batching.py",
        "return [_RunAlone() for _ in items]",
        "raise",
        ("tests/bot/delivery/test_batching.py::test_in_a_failed_batch_only_the_items_at_fault_raise",),
    ),
    Mutant(
        "rate limit of a workspace left out",
        "bot/delivery/rate_limit.py",
        "limits.workspace, peer_count)",
        "None, peer_count)",
        ("tests/bot/delivery/test_rate_limit.py::test_channels_share_the_rate_of_their_workspace",),
    ),
    Mutant(
        "rate limit not shared with other replicas",
        "bot/delivery/rate_limit.py",
        "rate / (1 + peers)",
        "rate",
        (
            "tests/bot/delivery/test_rate_limit.py"
            "::test_processes_share_the_rates_of_a_workspace_and_a_bot_but_not_of_a_channel",
        ),
    ),
    Mutant(
        "render cache that forgets what a channel was shown",
        "bot/delivery/render_cache.py",
        "            digest_input.window,\n",
        "",
        (f"{RENDER_CACHE}::test_a_channel_with_another_history_gets_its_own_digest",),
    ),
    Mutant(
        "render cache that forgets the platform",
        "bot/delivery/render_cache.py",
        "            request.platform.name,\n",
        "",
        (f"{RENDER_CACHE}::test_two_platforms_share_no_rendered_digest",),
    ),
    Mutant(
        "failure notice of an unknown kind returned",
        "digests/store/outbox/failure_notices.py",
        "deliveries.c.notify_at <= now, is_one_of(deliveries.c.kind, DeliveryKind)",
        "deliveries.c.notify_at <= now",
        (
            f"{OUTBOX}/test_failure_notices.py"
            "::test_a_failure_notice_names_its_kind_and_unknown_kinds_wait_for_a_newer_version[sqlite]",
        ),
    ),
    Mutant(
        "failure notice sent again and again",
        "bot/delivery/failure_notices.py",
        "retry_at=retry_at)",
        "retry_at=now)",
        (f"{NOTICES}::test_the_owner_of_a_channel_that_is_gone_gets_one_failure_notice",),
    ),
    Mutant(
        "failure notice that may have arrived sent again at once",
        "bot/delivery/failure_notices.py",
        "return now + RETRY_AFTER_UNKNOWN",
        "return now + RETRY_AFTER",
        (f"{NOTICES}::test_a_failure_notice_that_may_have_arrived_is_not_sent_again_for_a_day",),
    ),
    Mutant(
        "post edited more than once an hour",
        "bot/delivery/post_refresher.py",
        "post_edits.complete, edit, text, now=self.clock(), interval=EDIT_INTERVAL",
        "post_edits.complete, edit, text, now=self.clock(), interval=FIRST_BACKOFF",
        ("tests/bot/delivery/test_post_refresher.py::test_changes_within_an_hour_share_one_edit",),
    ),
    Mutant(
        "change lost that came while an edit was made",
        "digests/store/post_edits.py",
        "post_edits.c.change_seq > edit.noticed_seq",
        "post_edits.c.change_seq < edit.noticed_seq",
        ("tests/digests/store/test_post_edits.py::test_a_change_during_an_edit_is_not_lost[sqlite]",),
    ),
    Mutant(
        "render cache that forgets whether a message came before",
        "bot/delivery/render_cache.py",
        "            request.is_follow_up,\n",
        "",
        (f"{RENDER_CACHE}::test_a_rendered_digest_is_shared_only_while_all_that_it_depends_on_is_equal",),
    ),
    Mutant(
        "render cache that forgets the missed editions",
        "bot/delivery/render_cache.py",
        "            request.lateness,\n            request.is",
        "            request.is",
        (f"{RENDER_CACHE}::test_a_rendered_digest_is_shared_only_while_all_that_it_depends_on_is_equal",),
    ),
    Mutant(
        "render cache that forgets what has changed since",
        "bot/delivery/render_cache.py",
        "            freshness,\n        )",
        "        )",
        (f"{RENDER_CACHE}::test_a_rendered_digest_is_shared_only_while_all_that_it_depends_on_is_equal",),
    ),
    Mutant(
        "acknowledged failure notice made due by a repair of timestamps",
        "digests/store/outbox/clock_skew.py",
        "notify_at, now, unacknowledged",
        "notify_at, now",
        (
            f"{OUTBOX}/test_clock_skew.py::test_a_failure_notice_of_a_clock_far_ahead_is_due_at_once_unless_acknowledged[sqlite]",
        ),
    ),
    Mutant(
        "order of two events of one instant decides a mark",
        "digests/store/marks.py",
        "(mark.at, not is_on) < (row.at, not row.is_on)",
        "mark.at < row.at",
        (
            "tests/digests/store/test_marks.py::test_a_mark_that_is_added_and_removed_at_one_instant_is_removed[sqlite-False]",
        ),
    ),
    Mutant(
        "edit that takes the slot of a digest",
        "bot/delivery/rate_limit.py",
        "        while wait := max((",
        "        if wait := max((",
        ("tests/bot/delivery/test_post_refresher.py::test_edits_wait_for_an_idle_rate_limiter",),
    ),
    Mutant(
        "edit that reserves a slot before it is free",
        "bot/delivery/post_refresher.py",
        "await limiter.acquire_idle(",
        "await limiter.acquire(",
        ("tests/bot/delivery/test_post_refresher.py::test_edits_wait_for_an_idle_rate_limiter",),
    ),
    Mutant(
        "edit that may have been made is made again at once",
        "bot/delivery/post_refresher.py",
        "if outcome is Outcome.UNKNOWN:",
        "if outcome is Outcome.GONE:",
        (
            "tests/bot/delivery/test_post_refresher.py::test_an_edit_that_may_have_been_made_is_made_again_an_hour_later",
        ),
    ),
    Mutant(
        "edits beyond the first batch left for a later minute",
        "bot/delivery/post_refresher.py",
        "if len(edits) < BATCH_SIZE:",
        "if len(edits) <= BATCH_SIZE:",
        ("tests/bot/delivery/test_post_refresher.py::test_due_edits_beyond_one_batch_are_made",),
    ),
    Mutant(
        "reserved slots of the rate limiter dropped",
        "bot/delivery/rate_limit.py",
        "if slot > now}",
        "if slot < now}",
        ("tests/bot/delivery/test_rate_limit.py::test_reserved_slots_are_kept",),
    ),
    Mutant(
        "failure notice of an old edition retried",
        "bot/delivery/failure_notices.py",
        "edition > MAX_NOTICE_AGE:",
        "edition > MAX_NOTICE_AGE * 1000:",
        (f"{NOTICES}::test_a_failure_notice_of_an_old_edition_is_not_retried",),
    ),
    Mutant(
        "second discussion of a paper not recorded",
        "digests/store/queue_decisions.py",
        "table.c.at < now",
        "table.c.at > now",
        (
            "tests/digests/store/test_marks.py::test_a_discussed_paper_leaves_the_queue_until_marked_again[sqlite]",
        ),
    ),
    Mutant(
        "marks of everybody listed as a person's own",
        "digests/store/marks.py",
        ".where(marks.c.person == person, counts)",
        ".where(counts)",
        (
            "tests/digests/store/test_marks.py::test_a_persons_own_papers_are_listed_newest_first_with_all_marks[sqlite]",
        ),
    ),
    Mutant(
        "marks in other people's direct messages on a person's own page",
        "digests/store/marks.py",
        "and_(marks.c.person == person, *direct)",
        "and_(*direct)",
        (
            "tests/bot/conversation/test_queue.py::test_a_persons_own_page_counts_no_marks_in_direct_messages_of_others",
        ),
    ),
    Mutant(
        "name of a removed digest taken with its history",
        "digests/store/subscriptions.py",
        "(holder.id, old_name)",
        "(holder.id, name)",
        (
            "tests/bot/conversation/test_named_digests.py::test_the_name_of_a_removed_digest_is_free_again_and_its_history_stays_its_own",
        ),
    ),
    Mutant(
        "operator told again by every digest",
        "bot/delivery/operator_notices.py",
        "if await run_background(self.notes.read, name) == digest:",
        "if await run_background(self.notes.read, name) is None:",
        (
            "tests/bot/delivery/test_operator_notices.py::test_deciders_are_told_in_place_of_the_owners_each_once",
        ),
    ),
    Mutant(
        "digest of the settings owned by a person who paused it",
        "digests/store/subscriptions.py",
        "(before.owner_id or before.is_from_settings)",
        "before.owner_id",
        (
            "tests/digests/store/test_subscriptions.py::test_a_person_who_pauses_a_configured_channel_does_not_own_it[sqlite]",
        ),
    ),
    Mutant(
        "deliveries ended by an error about other workers",
        "bot/delivery/worker.py",
        '        except Exception as error:\n            log.warning("the other active',
        '        except KeyError as error:\n            log.warning("the other active',
        ("tests/bot/delivery/test_worker.py::test_deliveries_go_on_while_the_other_workers_are_not_known",),
    ),
    Mutant(
        "failure notices beyond the first batch left for later",
        "bot/delivery/failure_notices.py",
        "if len(notices) < CONCURRENCY:",
        "if notices:",
        (f"{NOTICES}::test_failure_notices_beyond_one_batch_are_sent",),
    ),
    # The wire.
    Mutant(
        "no deadline check before the first byte",
        "bot/chat/deadline.py",
        "if is_over or now() - request.started_at >= timeout:",
        "if now() - request.started_at < 0:",
        ("tests/bot/chat/test_deadline.py::test_a_request_held_up_past_its_deadline_is_not_sent",),
    ),
    Mutant(
        "rate limit of Slack taken for a refusal",
        "bot/platforms/slack/client.py",
        'is_limit = status == 429 or code in ("ratelimited", "rate_limited")',
        'is_limit = code == "rate_limited"',
        (f"{SLACK}/test_client.py::test_a_rate_limit_that_outlasts_every_retry_has_refused_the_page",),
    ),
    Mutant(
        "429 treated as ambiguous",
        "bot/chat/deadline.py",
        "attempt.mark_refused()",
        "attempt.mark_sent()",
        (
            f"{SLACK}/test_client.py::test_a_rate_limit_beyond_the_deadline_has_refused_the_page",
            f"{DISCORD}/test_client.py::test_a_rate_limit_beyond_the_deadline_has_refused_the_page",
        ),
    ),
    Mutant(
        "refusal that forgets an earlier attempt",
        "bot/chat/attempt.py",
        "self.was_sent = self._was_sent_before",
        "self.was_sent = False",
        (f"{DISCORD}/test_client.py::test_after_an_attempt_in_doubt_the_outcome_stays_unknown",),
    ),
    Mutant(
        "lost answer treated as not posted",
        "bot/chat/attempt.py",
        "return self.was_sent or not self.is_tracked",
        "return not self.is_tracked",
        (f"{SLACK}/test_client.py::test_a_lost_answer_is_an_unknown_outcome_and_nothing_is_sent_again",),
    ),
    Mutant(
        "ambiguous code of Slack treated as a refusal",
        "bot/platforms/slack/client.py",
        "status >= 500 or is_ambiguous_error(code))",
        "status >= 500)",
        (f"{SLACK}/test_client.py::test_a_lost_answer_is_an_unknown_outcome_and_nothing_is_sent_again",),
    ),
    Mutant(
        "call of Slack in another workspace",
        "bot/platforms/slack/client.py",
        "return await self.workspaces.find(channel.workspace)",
        'return await self.workspaces.find("T1")',
        (
            f"{SLACK}/test_workspaces.py"
            "::test_a_page_is_posted_and_found_with_the_token_of_its_channels_workspace",
        ),
    ),
    Mutant(
        "a state of an installation is good twice",
        "bot/platforms/slack/oauth.py",
        "return bool(nonce) and await run_interactive(self.events.record_once",
        "return bool(nonce) or await run_interactive(self.events.record_once",
        (f"{SLACK}/test_install.py::test_a_state_is_good_once",),
    ),
    Mutant(
        "a state lives for ever",
        "bot/token_cipher.py",
        'return str(content["state"]) if abs(age) < lifetime.total_seconds() else ""',
        'return str(content["state"])',
        (f"{SLACK}/test_install.py::test_a_state_expires",),
    ),
    Mutant(
        "a token of another app is taken",
        "bot/platforms/slack/oauth.py",
        "if known and app_id not in known:",
        "if not known and app_id in known:",
        (f"{SLACK}/test_install.py::test_a_token_of_another_app_is_refused",),
    ),
    Mutant(
        "tokens of another row are taken",
        "bot/token_cipher.py",
        'if content["for"] != owner:',
        'if content["for"] == "":',
        ("tests/bot/test_token_cipher.py::test_tokens_in_the_row_of_another_are_refused",),
    ),
    Mutant(
        "two replicas renew a token",
        "digests/store/installations.py",
        "installations.c.renewal_until <= now,",
        "installations.c.renewal_until.is_not(None),",
        ("tests/digests/store/test_installations.py::test_one_owner_renews_until_its_lease_ends[sqlite]",),
    ),
    Mutant(
        "a late end reaches a new installation",
        "digests/store/installations.py",
        "installations.c.revision == installation.revision,",
        'installations.c.revision != "",',
        (
            "tests/digests/store/test_installations.py"
            "::test_a_late_end_does_not_reach_a_new_installation[sqlite]",
        ),
    ),
    Mutant(
        "a refusal of containers is not remembered",
        "bot/platforms/slack/client.py",
        "        await self.refusals.record_refusal(team)\n        return answer",
        "        return answer",
        (
            f"{SLACK}/test_client.py"
            "::test_a_workspace_that_refuses_containers_gets_pages_without_at_once_and_from_then_on",
        ),
    ),
    Mutant(
        "a page is sent again although its first request may have arrived",
        "bot/platforms/slack/client.py",
        "return error.outcome is Outcome.REFUSED and is_block_error(_code_of(error.__cause__))",
        "return is_block_error(_code_of(error.__cause__))",
        (f"{SLACK}/test_client.py::test_a_refusal_after_a_lost_answer_sends_no_page_again",),
    ),
    Mutant(
        "the blocks in a container are not counted",
        "bot/platforms/slack/blocks.py",
        'return sum(1 + len(block.get("child_blocks", ())) for block in blocks)',
        "return len(list(blocks))",
        (f"{SLACK}/test_render.py::test_an_update_line_has_no_room_where_containers_fill_the_message",),
    ),
    Mutant(
        "page that is sent again after a failure of Slack",
        "bot/platforms/slack/calls.py",
        "if response.status != TOO_MANY_REQUESTS or",
        "if response.status == 200 or",
        (f"{SLACK}/test_client.py::test_a_lost_answer_is_an_unknown_outcome_and_nothing_is_sent_again",),
    ),
    Mutant(
        "nonce of Discord not enforced",
        "bot/platforms/discord/client.py",
        '"enforce_nonce": True',
        '"enforce_nonce": False',
        (f"{DISCORD}/test_client.py::test_the_same_key_posts_once_and_every_message_carries_its_key",),
    ),
    Mutant(
        "forum post without a nonce sent more than once",
        "bot/platforms/discord/client.py",
        'channel_id=forum["id"], once=True',
        'channel_id=forum["id"], once=False',
        (
            f"{DISCORD}/test_client.py"
            "::test_a_forum_post_has_no_nonce_so_it_is_sent_once_and_found_by_its_key",
        ),
    ),
    Mutant(
        "message of another under our key taken for ours",
        "bot/platforms/discord/history.py",
        'bool(message["author"]["id"] == self.bot_id)',
        'bool(message["author"]["id"])',
        (f"{DISCORD}/test_client.py::test_a_page_that_another_wrote_under_our_key_is_not_ours",),
    ),
    Mutant(
        "history that may not be read taken for an empty one",
        "bot/platforms/discord/history.py",
        "if number == 0 and await",
        "if number < 0 and await",
        (f"{DISCORD}/test_client.py::test_a_channel_without_readable_history_cannot_be_searched",),
    ),
    Mutant(
        "owner notified again of a digest that was stopped before",
        "bot/platforms/interaction.py",
        "                continue\n            log.warning",
        "                pass\n            log.warning",
        (
            "tests/bot/platforms/test_interaction.py::test_the_owner_of_a_digest_that_has_stopped_is_notified_once",
        ),
    ),
    Mutant(
        "pending mark counts lost at the end",
        "bot/platforms/interaction.py",
        "        await self.mark_handler.debouncer.flush_pending()\n",
        "",
        ("tests/bot/platforms/test_interaction.py::test_a_mark_count_that_is_pending_at_the_end_is_shown",),
    ),
    Mutant(
        "digests of a server that is back left stopped",
        "bot/platforms/discord/events.py",
        "self.dispatcher.start_subscriptions(removed)",
        "self.dispatcher.start_subscriptions([])",
        (
            f"{DISCORD}/test_events.py::test_digests_of_left_servers_stop_and_those_of_servers_that_are_back_start_again",
        ),
    ),
    Mutant(
        "digest of no server stopped as one of a left server",
        "bot/platforms/discord/events.py",
        'not in {"", *current_guilds}',
        "not in current_guilds",
        (
            f"{DISCORD}/test_events.py::test_digests_of_left_servers_stop_and_those_of_servers_that_are_back_start_again",
        ),
    ),
    Mutant(
        "digest started again although its channel is gone",
        "bot/platforms/discord/events.py",
        "if subscription.stop_reason == REMOVED_REASON",
        "if subscription.stop_reason",
        (
            f"{DISCORD}/test_events.py::test_digests_of_left_servers_stop_and_those_of_servers_that_are_back_start_again",
        ),
    ),
    Mutant(
        "mark during an edit shown by none",
        "bot/conversation/marks.py",
        "self._running_tasks[key] = self._pending_tasks.pop(key)",
        "self._running_tasks[key] = self._pending_tasks[key]\n"
        "        asyncio.get_running_loop().call_later(0, self._pending_tasks.pop, key)",
        ("tests/bot/conversation/test_marks.py::test_a_mark_during_an_edit_makes_one_more",),
    ),
    Mutant(
        "pause taken over by another person",
        "bot/conversation/subscriptions.py",
        "        after = subscription\n        if not subscription.paused_by:\n",
        "        after = subscription\n        if subscription.id:\n",
        ("tests/bot/conversation/test_subscriptions.py::test_a_pause_stays_with_the_person_who_began_it",),
    ),
    Mutant(
        "digest changed without a question",
        "bot/conversation/subscriptions.py",
        "not before.is_from_settings and not is_confirmed",
        "not before.is_from_settings and is_confirmed",
        (f"{SUBSCRIPTIONS}::test_subscribing_a_subscribed_channel_says_what_would_change_and_asks",),
    ),
    Mutant(
        "digest set by anybody",
        "bot/conversation/subscriptions.py",
        """        self.context.require_permission(channel, person, _TASK)
        understanding = understand_words(words, self._require""",
        """        understanding = understand_words(words, self._require""",
        (f"{SUBSCRIPTIONS}::test_set_needs_a_digest_and_the_right_to_change_it",),
    ),
    Mutant(
        "endless words read",
        "bot/conversation/subscription_words.py",
        "            del self.parts[MAX_WORDS:]",
        "            del self.parts[MAX_WORDS * 1000 :]",
        (f"{WAYS}::test_more_words_than_a_subscription_has_are_refused_at_once",),
    ),
    Mutant(
        "list longer than a field of a form",
        "bot/conversation/subscription_form.py",
        "> MAX_LIST_CHARACTERS:",
        "> 10 * MAX_LIST_CHARACTERS:",
        ("tests/bot/conversation/test_subscription_form.py::test_a_list_that_no_form_could_show_is_refused",),
    ),
    Mutant(
        "likeliest place of an abbreviation taken",
        "bot/conversation/time_zones.py",
        "    if len(found) == 1:",
        "    if found:",
        ("tests/bot/conversation/test_time_zones.py::test_an_abbreviation_of_several_places_asks_which",),
    ),
    Mutant(
        "notice of another person overwritten",
        "bot/conversation/announce.py",
        "last is not None and last.person_id == person_id and",
        "last is not None and",
        ("tests/bot/platforms/test_interaction.py::test_a_change_by_another_person_is_a_message_of_its_own",),
    ),
    Mutant(
        "notice of another kind overwritten",
        "bot/conversation/announce.py",
        "last.person_id == person_id and last.undo is undo",
        "last.person_id == person_id",
        ("tests/bot/platforms/test_interaction.py::test_a_change_of_another_kind_is_a_message_of_its_own",),
    ),
    Mutant(
        "no number on a card whose paper was marked before",
        "bot/delivery/deliver.py",
        "await show_mark_counts(self.sent_posts, self._find_platform(), self.context)",
        "pass",
        ("tests/bot/delivery/test_mark_counts.py::test_a_card_shows_the_marks_that_its_paper_had_before",),
    ),
    Mutant(
        "cards of linked accounts not refreshed",
        "digests/store/account_links.py",
        """                _refresh_counts(connection, _list_accounts(connection, offered), now)
""",
        "",
        (
            "tests/bot/conversation/test_queue_groups.py::test_cards_are_refreshed_when_accounts_become_one_person",
        ),
    ),
    Mutant(
        "form of an older version taken",
        "bot/platforms/discord/listeners/digest_forms.py",
        """            if part not in FORM_PARTS:
                raise InputError(STALE_FORM)
""",
        "",
        (
            f"{DISCORD}/test_servers.py"
            "::test_a_form_names_a_channel_of_its_own_server_that_person_and_bot_can_use",
        ),
    ),
    Mutant(
        "pause kept by a new subscription",
        "bot/conversation/subscriptions.py",
        'replace(understanding.subscription, paused_by="", paused_by_id="")',
        "understanding.subscription",
        ("tests/bot/conversation/test_subscriptions.py::test_confirmed_words_of_a_subscription_end_a_pause",),
    ),
    Mutant(
        "preview without the papers shown before",
        "bot/conversation/subscriptions.py",
        "replace(subscription, id=0)",
        "subscription",
        (
            "tests/bot/conversation/test_subscriptions.py::test_a_preview_shows_papers_that_the_channel_was_shown",
        ),
    ),
    Mutant(
        "paused digest left paused by a resumption",
        "bot/conversation/subscriptions.py",
        "            if not subscription.paused_by:\n",
        "            if subscription.stop_reason:\n",
        (
            "tests/bot/conversation/test_subscriptions.py::test_a_digest_that_is_paused_and_stopped_is_resumed_by_one_command",
        ),
    ),
    Mutant(
        "edit in Slack that removes the key",
        "bot/platforms/slack/client.py",
        '"blocks": payload["blocks"]}',
        '"blocks": payload["blocks"], "metadata": {}}',
        (f"{SLACK}/test_client.py::test_an_edit_replaces_the_text_of_a_message_and_keeps_its_key",),
    ),
    Mutant(
        "withdrawn token of Discord taken for a lost answer",
        "bot/platforms/discord/rest.py",
        "if error.status == 401:",
        "if error.status == 402:",
        (f"{DISCORD}/test_client.py::test_a_token_that_is_withdrawn_has_posted_nothing",),
    ),
    Mutant(
        "two log-ins at once",
        "bot/platforms/discord/rest.py",
        "        async with self._login_lock:\n            if self._client is None:",
        "        if True:\n            if self._client is None:",
        (f"{DISCORD}/test_client.py::test_two_first_calls_at_once_log_in_once",),
    ),
    # Limits and untrusted text.
    Mutant(
        "off-by-one in Slack's 3,000",
        "bot/platforms/slack/blocks.py",
        "SECTION_UNITS = 3000",
        "SECTION_UNITS = 3001",
        (f"{SLACK}/test_render.py::test_texts_of_ten_thousand_characters_keep_the_limits",),
    ),
    Mutant(
        "characters counted instead of UTF-16 units on Slack",
        "bot/platforms/slack/sanitize.py",
        'return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2',
        "return len(text)",
        (f"{SLACK}/test_render.py::test_texts_of_ten_thousand_characters_keep_the_limits",),
    ),
    Mutant(
        "length counted before escaping on Slack",
        "bot/platforms/slack/sanitize.py",
        "return escape_mrkdwn(clip_text(tidy_line(text), limit, cost=count_mrkdwn_units))",
        "return escape_mrkdwn(clip_text(tidy_line(text), limit))",
        (f"{SLACK}/test_render.py::test_a_part_of_a_card_is_cut_before_it_is_escaped",),
    ),
    Mutant(
        "clip after escaping on Slack",
        "bot/platforms/slack/sanitize.py",
        "return escape_mrkdwn(clip_text(tidy_line(text), limit, cost=count_mrkdwn_units))",
        "return clip_text(escape_mrkdwn(tidy_line(text)), limit, cost=count_units)",
        (f"{SLACK}/test_render.py::test_a_part_of_a_card_is_cut_before_it_is_escaped",),
    ),
    Mutant(
        "Slack escape left out",
        "bot/platforms/slack/sanitize.py",
        '.replace("<", "&lt;")',
        "",
        (f"{SLACK}/test_render.py::test_nothing_from_outside_pings_links_or_formats_and_the_limits_hold",),
    ),
    Mutant(
        "Slack mention not neutralised",
        "bot/platforms/slack/sanitize.py",
        "@(?=everyone|channel|here)|",
        "@(?=everyone|here)|",
        (f"{SLACK}/test_render.py::test_nothing_from_outside_pings_links_or_formats_and_the_limits_hold",),
    ),
    Mutant(
        "off-by-one in Discord's 2,000",
        "bot/platforms/discord/draft.py",
        "CONTENT_UNITS = 2000",
        "CONTENT_UNITS = 2001",
        (f"{DISCORD}/test_render.py::test_any_text_anywhere_makes_good_pages",),
    ),
    Mutant(
        "clip after escaping on Discord",
        "bot/platforms/discord/sanitize.py",
        "return escape_inline(\n"
        "        clip_text(text, limit, cost=count_inline_units) or text[: find_fitting_end(text, limit)]\n"
        "    )",
        "return clip_text(escape_inline(text), limit, cost=count_units)",
        (f"{DISCORD}/test_render.py::test_a_part_of_a_card_is_cut_before_it_is_escaped",),
    ),
    Mutant(
        "Discord escape left out",
        "bot/platforms/discord/sanitize.py",
        '"\\\\" + found[0]',
        "found[0]",
        (f"{DISCORD}/test_sanitize.py::test_markup_from_outside_is_escaped_and_a_mention_taken_apart",),
    ),
    Mutant(
        "Discord mention not neutralised",
        "bot/platforms/discord/sanitize.py",
        'r"@(?=everyone|here)"',
        'r"@(?=everyone!|here!)"',
        (f"{DISCORD}/test_sanitize.py::test_markup_from_outside_is_escaped_and_a_mention_taken_apart",),
    ),
    Mutant(
        "Discord allowed to ping",
        "bot/platforms/discord/draft.py",
        '"allowed_mentions": {"parse": [], ',
        '"allowed_mentions": {"parse": ["everyone"], ',
        (f"{DISCORD}/test_render.py::test_cards_come_one_a_page_after_the_header",),
    ),
    Mutant(
        "script address made a link",
        "bot/chat/links.py",
        'if parts.scheme not in ("http", "https") or not',
        "if not",
        (f"{DISCORD}/test_sanitize.py::test_only_web_addresses_become_links",),
    ),
    # Hours.
    Mutant(
        "DST gap rule bent",
        "digests/schedule.py",
        "return _find_gap_end(local.replace(fold=1).astimezone(UTC), instant, zone)",
        "return instant",
        (f"{SCHEDULE}::test_a_skipped_hour_is_due_at_the_first_instant_after_the_gap",),
    ),
    Mutant(
        "hour that comes twice due the second time",
        "digests/schedule.py",
        "local = datetime.combine(edition, schedule.at, zone)",
        "local = datetime.combine(edition, schedule.at, zone).replace(fold=1)",
        (f"{SCHEDULE}::test_an_hour_that_occurs_twice_is_due_the_first_time",),
    ),
    Mutant(
        "edition due again at its own instant",
        "digests/schedule.py",
        "(at := due_at(schedule, edition)) > after:",
        "(at := due_at(schedule, edition)) >= after:",
        (f"{SCHEDULE}::test_an_edition_is_newest_at_its_due_instant_and_the_next_one_comes_later",),
    ),
    Mutant(
        "date with a second edition after a change of schedule",
        "digests/schedule.py",
        "while due.edition <= last:",
        "while due.edition < last:",
        (f"{SCHEDULE}::test_a_change_of_time_zone_repeats_no_date",),
    ),
    Mutant(
        "edition posted before its own hour under new zone rules",
        "digests/schedule.py",
        "awaited.at <= now and at <= now",
        "awaited.at <= now",
        (f"{SCHEDULE}::test_new_zone_rules_move_an_awaited_edition_without_repeating_or_skipping_it",),
    ),
    # The choice of papers.
    Mutant(
        "held paper picked",
        "digests/pick.py",
        "if candidate.held:",
        "if candidate.held and candidate.withdrawn:",
        (f"{PICK}::test_a_held_paper_is_not_picked",),
    ),
    Mutant(
        "withdrawn paper picked",
        "digests/pick.py",
        "if candidate.withdrawn:",
        "if candidate.withdrawn and candidate.held:",
        (f"{PICK}::test_a_withdrawn_paper_is_not_picked",),
    ),
    Mutant(
        "a paper shown twice",
        "digests/pick.py",
        "LeftOut.SHOWN_BEFORE if candidate.id in shown else find_exclusion(candidate)",
        "find_exclusion(candidate)",
        (
            f"{PICK}::test_shown_and_old_papers_are_excluded_and_undated_ones_are_not",
            "tests/digests/test_build.py"
            "::test_a_paper_with_a_new_review_is_considered_again_and_never_shown_twice[sqlite]",
        ),
    ),
    Mutant(
        "paper at the minimum score left out",
        "digests/pick.py",
        "candidate.score < min_score:",
        "candidate.score <= min_score:",
        (f"{PICK}::test_a_minimum_score_excludes_lower_and_missing_scores",),
    ),
    Mutant(
        "first sentence of an abstract instead of the one that says what was done",
        "digests/abstract.py",
        'max(sentences, key=_rate_sentence, default="")',
        'next(iter(sentences), "")',
        ("tests/digests/test_abstract.py::test_the_chosen_sentence_says_what_was_done",),
    ),
    Mutant(
        "marked paper that is like itself",
        "digests/search/likeness.py",
        "paper not in marked_ids and",
        "bool(marked_ids) and",
        ("tests/digests/search/test_likeness.py::test_a_paper_of_the_same_subject_is_like_a_marked_one",),
    ),
    Mutant(
        "digest of another channel's likeness",
        "bot/delivery/render_cache.py",
        "            digest_input.marked_papers,\n",
        "",
        (f"{RENDER_CACHE}::test_a_channel_with_marks_shares_no_digest_with_one_without",),
    ),
    Mutant(
        "digest that waits for a reviewer in trouble",
        "bot/delivery/render_cache.py",
        "digest.is_unscored and is_reviewer_well",
        "digest.is_unscored or is_reviewer_well",
        (
            "tests/bot/delivery/test_review_wait.py"
            "::test_it_does_not_wait_for_a_reviewer_in_trouble_and_without_one",
        ),
    ),
    Mutant(
        "preview in another order than the post",
        "digests/build.py",
        "likeness=find_likeness(seeds, window.after_seq) if seeds else None,",
        "likeness=None,",
        (
            "tests/bot/cli/test_digest_now.py"
            "::test_a_dry_run_a_preview_and_today_have_the_likeness_of_the_post",
        ),
    ),
    Mutant(
        "undo of a discussion that was renewed since",
        "digests/store/queue_decisions.py",
        "table.c.paper == paper, table.c.at == at",
        "table.c.paper == paper, table.c.at >= at",
        (f"{MARKS}::test_an_undone_discussion_puts_the_paper_back_if_it_is_the_last_one_of_that_queue",),
    ),
    Mutant(
        "clearly worse paper picked for variety",
        "digests/pick.py",
        "-waiting[0][0] - points > policy.variety_distance",
        "-waiting[0][0] - points > 300 + policy.variety_distance",
        (
            f"{PICK}::test_variety_lets_no_clearly_worse_and_no_unscored_paper_pass",
            f"{WISHES}[an unscored paper does not pass]",
        ),
    ),
    Mutant(
        "variety in a domain that somebody asked for",
        "digests/pick.py",
        '"" if matcher.is_in_domain(candidate) else candidate.primary_category',
        "candidate.primary_category",
        (
            f"{PICK}::test_variety_does_not_bind_in_the_domains_that_somebody_asked_for",
            f"{WISHES}[the best of vision, all of one category]",
        ),
    ),
    Mutant(
        "share of a category rounded down",
        "digests/pick.py",
        "math.ceil(round(policy.max_domain_share * top, 6))",
        "max(1, math.floor(round(policy.max_domain_share * top, 6)))",
        (f"{PICK}::test_the_share_of_a_category_is_rounded_up[3-2]",),
    ),
    Mutant(
        "cross-listed paper before an equal one of the domain",
        "digests/pick.py",
        "is_scored and is_cross_listed",
        "is_scored and not is_cross_listed",
        (f"{PICK}::test_of_equal_scores_a_cross_listed_paper_stands_after_those_of_the_domain",),
    ),
    Mutant(
        "one filter enough where both are wanted",
        "digests/pick.py",
        "self.is_in_domain(candidate) and self.has_keyword(candidate)",
        "self.is_in_domain(candidate) or self.has_keyword(candidate)",
        (
            f"{PICK}::test_a_paper_must_match_domains_and_keywords_unless_one_of_them_is_enough",
            f"{WISHES}[both, by default]",
        ),
    ),
    Mutant(
        "unscored papers picked where they are left out",
        "digests/pick.py",
        "min_score is not None or is_scored_only",
        "min_score is not None or not is_scored_only",
        (f"{PICK}::test_unscored_papers_can_be_left_out",),
    ),
    Mutant(
        "namesake with other initials followed",
        "digests/authors.py",
        "ours[0] == theirs[0]",
        "ours[0] != theirs",
        ("tests/digests/test_authors.py::test_another_person_is_not_followed[Y. Bengio-Samy Bengio]",),
    ),
    Mutant(
        "subscription of an older version that wants both filters",
        "digests/store/migrations/versions/v0107_preferences.py",
        '("match_mode", "any")',
        '("match_mode", "all")',
        (
            "tests/digests/store/test_migrations.py"
            "::test_subscriptions_of_0106_keep_that_a_domain_or_a_keyword_is_enough[sqlite]",
        ),
    ),
    Mutant(
        "muted words not searched for without keywords",
        "digests/build.py",
        "bool(preferences.keywords or preferences.muted)",
        "bool(preferences.keywords)",
        ("tests/digests/test_build.py::test_muted_words_are_searched_for_without_keywords_too[sqlite]",),
    ),
    Mutant(
        "gap of announcements named although papers were considered",
        "digests/build.py",
        "if not selection.considered else None",
        "if not selection.choices else None",
        (
            "tests/digests/test_build.py::test_an_announcement_gap_goes_before_a_stale_source_and_after_an_outage[sqlite]",
        ),
    ),
    # The budget.
    Mutant(
        "budget reserved without limit",
        "digests/store/budget.py",
        "update(review_spending).where(and_(*fits))",
        "update(review_spending).where(fits[0])",
        (
            "tests/digests/store/test_budget.py"
            "::test_a_reservation_over_either_limit_is_refused_and_settling_frees_the_rest[sqlite]",
        ),
    ),
    Mutant(
        "reservation not given back when it is settled",
        "digests/store/budget.py",
        "Spending(spent.tokens - reserved.tokens,",
        "Spending(spent.tokens,",
        (
            "tests/digests/store/test_budget.py"
            "::test_a_reservation_over_either_limit_is_refused_and_settling_frees_the_rest[sqlite]",
        ),
    ),
    Mutant(
        "log of a running bot written as it comes",
        "bot/cli/run.py",
        "handler.setFormatter(SafeFormatter(",
        "handler.setFormatter(logging.Formatter(",
        ("tests/bot/cli/test_safe_output.py::test_the_log_of_a_running_bot_escapes_control_characters",),
    ),
    Mutant(
        "change in a server that was denied a moment ago",
        "bot/platforms/discord/listeners/requests.py",
        "if not await self.servers.is_served_now(interaction.guild_id):",
        "if interaction.guild_id is None:",
        ("tests/bot/platforms/discord/test_servers.py::test_a_denial_counts_for_changes_at_once",),
    ),
    Mutant(
        "post in a denied workspace edited",
        "digests/store/post_edits.py",
        "if not post.payload or (post.channel.platform, post.channel.workspace) in denied",
        "if not post.payload",
        ("tests/digests/store/test_post_edits.py::test_posts_in_a_denied_workspace_are_not_edited_any_more",),
    ),
    Mutant(
        "token in the path of an address shown",
        "bot/cli/redaction.py",
        'rest = f"{before}{found}…"',
        "pass",
        ("tests/bot/cli/test_redaction.py::test_addresses_that_answer_a_request_end_before_their_token",),
    ),
    Mutant(
        "event that came again stops a digest",
        "bot/platforms/slack/listeners/presence.py",
        """Payload, body: Payload, workspace: SlackWorkspace) -> None:
        async with self._handle_request(workspace):
            if not await self._is_new_event(body):
                return
            channel = self._channel_from_id(_channel_id_of(event), workspace)
            reasons""",
        """Payload, body: Payload, workspace: SlackWorkspace) -> None:
        async with self._handle_request(workspace):
            channel = self._channel_from_id(_channel_id_of(event), workspace)
            reasons""",
        (f"{SLACK}/test_foreign.py::test_an_event_that_comes_again_stops_no_digest",),
    ),
    # Slack's HTTP port.
    Mutant(
        "request served without a right signature",
        "bot/platforms/slack/http_transport.py",
        "if not self.checker.is_signed(body, signature):",
        "if signature is None:",
        (
            f"{SLACK}/test_http_transport.py"
            "::test_a_request_without_a_right_signature_gets_401_whatever_it_holds[a check of TLS]",
        ),
    ),
    Mutant(
        "second timestamp or signature overlooked",
        "bot/platforms/slack/signatures.py",
        "if len(timestamps) != 1 or len(signatures) != 1:",
        "if not timestamps or not signatures:",
        (
            f"{SLACK}/test_http_transport.py::test_headers_that_are_missing_doubled_or_of_another_form_get_401",
        ),
    ),
    Mutant(
        "request served again for the same signature",
        "bot/platforms/slack/http_transport.py",
        "if not self.checker.remember(signature):",
        "if self.checker.remember(signature) is None:",
        (f"{SLACK}/test_http_transport.py::test_a_request_sent_again_is_answered_and_changes_nothing",),
    ),
    Mutant(
        "signature forgotten by its arrival and not by its own time",
        "bot/platforms/slack/signatures.py",
        "= int(request.timestamp)",
        "= int(now)",
        (
            f"{SLACK}/test_http_transport.py::test_a_signature_from_the_future_is_remembered_until_it_is_too_old",
        ),
    ),
    Mutant(
        "failed request not served when it comes again",
        "bot/platforms/slack/http_transport.py",
        "            self.checker.forget(signature)",
        "            pass",
        (f"{SLACK}/test_http_transport.py::test_a_request_that_failed_is_served_when_slack_sends_it_again",),
    ),
    Mutant(
        "open connections without a bound",
        "bot/platforms/slack/connections.py",
        "if len(self._sizes) > MAX_UNVERIFIED:",
        "if not self._sizes:",
        (
            f"{SLACK}/test_http_transport.py"
            "::test_four_hundred_half_requests_do_not_stay_open_and_keep_nobody_out",
        ),
    ),
    Mutant(
        "body of a lost connection kept in memory",
        "bot/platforms/slack/http_transport.py",
        "            body.clear()",
        "            pass",
        (f"{SLACK}/test_http_transport.py::test_a_connection_that_is_lost_leaves_no_body_in_memory",),
    ),
    Mutant(
        "line of the log for each refused request",
        "bot/platforms/slack/http_transport.py",
        "if self._log_timer is None and self._listener:",
        "if self.refused_count:",
        (
            f"{SLACK}/test_http_transport.py"
            "::test_a_hundred_refused_requests_are_one_line_of_the_log_and_a_number_in_the_health_check",
        ),
    ),
    Mutant(
        "bytes outside of heads and bodies without a bound",
        "bot/platforms/slack/connections.py",
        "if self._byte_count > MAX_CONNECTION_BYTES:",
        "if self._byte_count < 0:",
        (
            f"{SLACK}/test_http_transport.py"
            "::test_a_connection_that_sends_bytes_outside_of_heads_and_bodies_is_closed[blank]",
        ),
    ),
    Mutant(
        "captured form saved again",
        "bot/platforms/slack/listeners/digest_forms.py",
        'require_new_interaction(str(body.get("trigger_id") or ""))',
        'require_new_interaction("")',
        (f"{SLACK}/test_foreign.py::test_a_command_a_click_and_a_form_that_come_again_change_nothing",),
    ),
    Mutant(
        "rights of a cached profile",
        "bot/platforms/slack/listeners/requests.py",
        "fetch_profile(user, is_fresh=True)",
        "fetch_profile(user)",
        (f"{SLACK}/test_foreign.py::test_a_former_admin_changes_nothing_from_the_next_command_on",),
    ),
    # Terminal and log.
    Mutant(
        "C1 control characters printed",
        "bot/cli/safe_text.py",
        "*range(0x7F, 0xA0),",
        "*range(0x7F, 0x80),",
        (
            "tests/bot/cli/test_safe_output.py"
            "::test_no_command_prints_a_control_character_of_a_record_or_a_server",
        ),
    ),
    Mutant(
        "line of the log forged by a message",
        "bot/cli/safe_text.py",
        '.replace("\\n", "\\n    ")',
        "",
        (
            "tests/bot/cli/test_safe_output.py"
            "::test_a_message_and_an_exception_cannot_forge_a_record_of_the_log",
        ),
    ),
    Mutant(
        "console that prints what it is given",
        "bot/cli/safe_console.py",
        "escape_controls(segment.text)",
        "segment.text",
        (
            "tests/bot/cli/test_safe_output.py"
            "::test_no_command_prints_a_control_character_of_a_record_or_a_server",
        ),
    ),
    # Content of sources.
    Mutant(
        "private address not refused",
        "digests/sources/http/addresses.py",
        "return not any(ip in network for network in _SPECIAL_IPV4)",
        "return True",
        (f"{HTTP}/test_addresses.py::test_private_and_metadata_addresses_are_not_public",),
    ),
    Mutant(
        "IPv4 address in an IPv6 address not judged",
        "digests/sources/http/addresses.py",
        "if (embedded := _find_embedded_ipv4(ip)) and not",
        "if (embedded := _find_embedded_ipv4(ip)) is None and not",
        (f"{HTTP}/test_addresses.py::test_private_and_metadata_addresses_are_not_public",),
    ),
    Mutant(
        "IPv6 range of no global addresses let through",
        "digests/sources/http/addresses.py",
        "return ip in _GLOBAL_UNICAST and",
        "return",
        (f"{HTTP}/test_addresses.py::test_private_and_metadata_addresses_are_not_public",),
    ),
    Mutant(
        "only the first of several addresses judged",
        "digests/sources/http/client.py",
        "self.may_ask(ip)",
        "self.may_ask(addresses[0])",
        (f"{HTTP}/test_client.py::test_one_private_address_among_several_is_refused",),
    ),
    Mutant(
        "redirect into a private network followed",
        "digests/sources/http/client.py",
        "if address_origin in self.trusted_origins:",
        "if address_origin and self.trusted_origins:",
        (f"{HTTP}/test_client.py::test_a_trusted_server_cannot_redirect_into_a_private_network",),
    ),
    Mutant(
        "host resolved again after its address was judged",
        "digests/sources/http/client.py",
        "pinned = url.copy_with(host=ip)",
        "pinned = url.copy_with(host=url.host)",
        (f"{HTTP}/test_client.py::test_the_checked_address_is_the_one_requested",),
    ),
    Mutant(
        "private address imported without being asked to",
        "bot/services.py",
        "trusted_addresses=(address,) if allow_private else (),",
        "trusted_addresses=(address,),",
        (
            "tests/bot/ingest/test_import_address.py"
            "::test_an_address_in_a_private_network_is_imported_only_with_the_option",
        ),
    ),
    Mutant(
        "unpacked size not limited",
        "digests/sources/http/client.py",
        "if max(received, unpacked) > ",
        "if received > ",
        (f"{HTTP}/test_client.py::test_the_size_limit_holds_compressed_and_decompressed",),
    ),
    Mutant(
        "Retry-After ignored",
        "digests/sources/http/client.py",
        "if failure.retry_after is not None:",
        "if failure.retry_after is not None and attempt < 0:",
        (f"{HTTP}/test_client.py::test_retry_after_is_respected",),
    ),
    Mutant(
        "no gap between the requests of two processes",
        "digests/sources/http/turns.py",
        "turn = ServerTurn(self.gap)",
        "turn = ServerTurn(timedelta())",
        (f"{HTTP}/test_turns.py::test_two_processes_share_a_servers_turns_with_a_gap",),
    ),
    # Threads.
    Mutant(
        "leadership in the threads of ingest",
        "bot/storage.py",
        "return await _start(_leadership_pool, partial",
        "return await _start(_ingest_pool, partial",
        ("tests/bot/test_storage.py::test_each_kind_of_work_has_threads_of_its_own[run_leadership]",),
    ),
    # Fair use.
    Mutant(
        "no limit for the people of a workspace together",
        "bot/conversation/fair_use.py",
        "        shared.tokens -= 1\n",
        "",
        (f"{FAIR_USE}::test_many_people_of_a_workspace_meet_its_limit_and_other_workspaces_do_not",),
    ),
    Mutant(
        "a person is fetched before the limit is checked",
        "bot/platforms/interaction.py",
        """        self.fair_use.take_token(use, channel, person_id)
        person = await fetch_person()
""",
        """        person = await fetch_person()
        self.fair_use.take_token(use, channel, person_id)
""",
        (
            "tests/bot/platforms/test_interaction.py::"
            "test_a_command_beyond_the_limit_asks_neither_the_platform_nor_the_store[pause]",
        ),
    ),
    Mutant(
        "reactions without a limit",
        "bot/platforms/interaction.py",
        "if self.fair_use.has_token(Use.REACTION, channel, person_id):",
        "if True:",
        (
            "tests/bot/platforms/test_interaction.py::"
            "test_a_flood_of_reactions_is_applied_up_to_the_limit_and_then_read_once",
        ),
    ),
    Mutant(
        "a click that comes again is carried out again",
        "bot/platforms/clicks.py",
        "            await self.repeats.require_new_interaction(click.interaction_id)\n",
        "            pass\n",
        (
            "tests/bot/platforms/test_interaction.py::"
            "test_an_interaction_that_comes_again_changes_nothing_a_second_time[discuss]",
        ),
    ),
    Mutant(
        "a paper in flight is fetched again",
        "bot/conversation/paper_fetch_queue.py",
        "queued = self._in_flight.get(paper) or self._pending.setdefault(",
        "queued = self._pending.get(paper) or self._pending.setdefault(",
        (f"{FETCH_QUEUE}::test_a_paper_that_many_ask_for_is_fetched_once_and_everybody_gets_it",),
    ),
    Mutant(
        "no bound on the people who wait for arXiv",
        "bot/conversation/paper_fetch_queue.py",
        "if self._waiting_count >= MAX_WAITING:",
        "if self._waiting_count > MAX_WAITING:",
        (f"{FETCH_QUEUE}::test_a_full_queue_refuses_the_next_person_and_takes_one_again_when_it_has_room",),
    ),
    Mutant(
        "a fetched paper is stored without its flags",
        "bot/conversation/paper_fetch_queue.py",
        "[(flag_paper(paper), NOT_REVIEWED) for",
        "[(paper, NOT_REVIEWED) for",
        (f"{FETCH_QUEUE}::test_a_paper_that_gives_orders_to_the_reviewer_is_flagged_when_it_is_fetched",),
    ),
    # A workspace is a tenant.
    Mutant(
        "change of another channel undone",
        "digests/store/subscriptions.py",
        "not stored_channel.may_match(channel) or not _is_state",
        "not _is_state",
        (
            "tests/digests/store/test_subscriptions.py::test_a_change_is_undone_in_its_own_channel_only[sqlite-elsewhere1]",
            "tests/bot/conversation/test_subscriptions.py::test_a_change_of_another_channel_is_neither_undone_nor_announced[channel0]",
        ),
    ),
    Mutant(
        "digit that is no decimal taken as the number of a change",
        "digests/text.py",
        "text.isascii() and text.isdecimal()",
        "text.isdigit()",
        (f"{UNDO_VALUES}[\\xb2]",),
    ),
    Mutant(
        "number of a change longer than a column",
        "digests/text.py",
        " and len(text) <= 9 else None",
        " else None",
        (f"{UNDO_VALUES}[9999999999999999999999999999999999999999]",),
    ),
    Mutant(
        "queue with the marks of another workspace",
        "digests/store/queue_queries.py",
        "or_(marks.c.workspace == workspace, is_unnamed)",
        'or_(marks.c.workspace != "", is_unnamed)',
        (f"{MARKS}::test_a_queue_has_only_the_marks_of_its_own_workspace_and_platform[sqlite]",),
    ),
    Mutant(
        "mark without a workspace in every queue",
        "digests/store/queue_queries.py",
        'and_(marks.c.workspace == "", marks.c.channel.in_(own_channels))',
        'marks.c.workspace == ""',
        (
            f"{MARKS}::test_a_mark_without_a_workspace_counts_in_the_one_that_another_mark_in_its_channel_names[sqlite]",
        ),
    ),
    Mutant(
        "discussion of another workspace counted",
        "digests/store/queue_queries.py",
        'table.c.workspace.in_([_workspace_of(number), ""])',
        'table.c.workspace != "?"',
        (f"{MARKS}::test_a_discussion_in_one_workspace_leaves_the_queue_of_another[sqlite]",),
    ),
    Mutant(
        "worse paper before a better one with as many marks",
        "digests/store/queue_queries.py",
        "score.desc().nulls_last(), since",
        "since",
        (f"{QUEUE}::test_the_most_wanted_paper_comes_first_then_the_best_then_the_one_that_waits_longest",),
    ),
    Mutant(
        "mark by a button left behind when its reaction is taken away",
        "digests/store/marks.py",
        "                is_changed |= _replace_button_mark(connection, mark)",
        "                pass",
        (f"{QUEUE}::test_a_mark_goes_with_the_reaction_whatever_door_it_came_through",),
    ),
    Mutant(
        "paper that was taken out and comes back with the next mark",
        "digests/store/queue_queries.py",
        "or_(is_passed, is_taken_out)",
        "is_passed",
        (f"{QUEUE}::test_a_decision_ends_as_it_says_and_is_undone_with_its_marks",),
    ),
    Mutant(
        "queue shared with one that has not agreed",
        "digests/ports/queue_groups.py",
        "for each in agreed if each != member)",
        "for each in group.members if each != member)",
        (
            "tests/bot/conversation/test_queue_groups.py"
            "::test_nothing_is_shared_until_all_sides_agree_and_no_more_once_one_withdraws[sqlite]",
        ),
    ),
    Mutant(
        "accounts linked by one side's word",
        "digests/store/account_links.py",
        "                if not claimed.person:\n",
        "                if claimed.person:\n",
        (
            "tests/bot/conversation/test_queue_groups.py"
            "::test_two_accounts_count_once_after_both_typed_the_code_and_twice_again_once_unlinked[sqlite]",
        ),
    ),
    Mutant(
        "edit of a card beside another one",
        "bot/conversation/marks.py",
        "        while running := self._running_tasks.get(key):\n            await asyncio.wait({running})\n",
        "",
        ("tests/bot/conversation/test_marks.py::test_a_post_is_refreshed_by_one_edit_at_a_time",),
    ),
    Mutant(
        "anybody takes papers out for good",
        "bot/conversation/queue.py",
        "if outcome is QueueOutcome.TAKEN_OUT:",
        "if outcome is QueueOutcome.POSTPONED:",
        (f"{QUEUE}::test_only_those_who_may_change_digests_take_papers_out_and_put_them_back",),
    ),
    Mutant(
        "workspace of a channel filled in from another platform",
        "digests/store/workspace_filling.py",
        "known.platform = {0}.platform AND known.channel",
        "known.channel",
        (
            "tests/digests/store/test_migration.py::test_marks_and_discussions_get_the_workspaces_of_their_channels[sqlite]",
        ),
    ),
    Mutant(
        "change of an older version that cannot be undone",
        "digests/store/subscriptions.py",
        "value != _OLD_VALUES[name]",
        "bool(name)",
        (
            f"{CARRIED}::test_subscriptions_keep_who_paused_and_stopped_them_and_a_change_can_be_undone[sqlite]",
        ),
    ),
    Mutant(
        "held papers decided by anybody where the operator names nobody",
        "bot/conversation/context.py",
        "if person_id not in self.deciders:",
        "if self.deciders and person_id not in self.deciders:",
        (f"{MODERATION}::test_nobody_decides_in_a_chat_unless_the_operator_names_somebody",),
    ),
    Mutant(
        "decider known by the person's id alone",
        "bot/conversation/context.py",
        "if person_id not in self.deciders:",
        'if not any(each.endswith(f":{person.id}") for each in self.deciders):',
        (f"{DECIDERS}[another workspace]",),
    ),
    Mutant(
        "decision stored before the right is asked for",
        "bot/conversation/moderation.py",
        "        self.context.require_decider(channel, person)\n        store, now",
        "        store, now",
        (f"{DECIDERS}[another person]",),
    ),
    Mutant(
        "held paper shared",
        "bot/conversation/lookup.py",
        "        if scored.is_withheld:\n            raise",
        "        if scored.review_number < 0:\n            raise",
        (f"{MODERATION}::test_a_withheld_paper_reaches_no_channel[on hold]",),
    ),
    Mutant(
        "held paper shown under a link",
        "bot/conversation/lookup.py",
        "if scored and not scored.is_withheld else None",
        "if scored else None",
        (f"{MODERATION}::test_a_withheld_paper_reaches_no_channel[on hold]",),
    ),
    Mutant(
        "share button of a held paper",
        "bot/present/lookup.py",
        "() if scored.is_withheld else (share,)",
        "(share,)",
        (f"{MODERATION}::test_a_withheld_paper_reaches_no_channel[rejected]",),
    ),
    Mutant(
        "rejected paper taken for any other",
        "digests/model.py",
        "self.hold_state in (HoldState.HELD, HoldState.REJECTED)",
        "self.hold_state is HoldState.HELD",
        (f"{MODERATION}::test_a_withheld_paper_says_so_wherever_it_is_shown[rejected]",),
    ),
    Mutant(
        "mark of a paper that does not exist",
        "bot/conversation/queue.py",
        "if paper not in self.context.store.library.get([paper]):",
        "if paper.isspace():",
        (
            "tests/bot/conversation/test_marks.py::test_a_button_marks_only_a_paper_of_the_library[2401.99999]",
        ),
    ),
    # The model's server.
    Mutant(
        "no limit for an error's body",
        "digests/reviewers/openai.py",
        "and len(body) >= MAX_ERROR_BYTES:",
        "and len(body) >= 10_000 * MAX_ERROR_BYTES:",
        (f"{REVIEWERS}/test_openai.py::test_each_server_fault_is_described_in_a_sentence",),
    ),
    Mutant(
        "a redirect is followed with a paper's text",
        "digests/reviewers/openai.py",
        "follow_redirects=False",
        "follow_redirects=True",
        (f"{REVIEWERS}/test_openai.py::test_a_redirect_is_not_followed_with_a_papers_text",),
    ),
    Mutant(
        "the environment changes requests to the model",
        "digests/reviewers/openai.py",
        "trust_env=False",
        "trust_env=True",
        (f"{REVIEWERS}/test_openai.py::test_nothing_from_the_environment_changes_a_request",),
    ),
    Mutant(
        "any token count is believed",
        "digests/reviewers/openai.py",
        "0 <= value <= MAX_TOKEN_COUNT",
        "0 <= value",
        (
            f"{REVIEWERS}/test_tasks.py::test_a_token_count_out_of_range_ends_no_round_and_no_paper_is_paid_twice",
        ),
    ),
    Mutant(
        "the key in a server's message is shown",
        "digests/reviewers/openai.py",
        "message = message.replace(self.address.api_key",
        "message = message.replace(2 * self.address.api_key",
        (
            f"{REVIEWERS}/test_openai.py"
            "::test_a_servers_message_that_repeats_the_key_reaches_people_without_it",
        ),
    ),
    Mutant(
        "control characters of a server's message are shown",
        "digests/reviewers/openai.py",
        "return normalize_text(message)[:MAX_MESSAGE_CHARACTERS]",
        "return message[:MAX_MESSAGE_CHARACTERS]",
        (
            f"{REVIEWERS}/test_openai.py"
            "::test_a_servers_message_reaches_people_without_control_and_bidi_characters",
        ),
    ),
    # Fair shares of the reviewer.
    Mutant(
        "no limit for a person's requested papers",
        "digests/reviewers/fairness.py",
        "if had[_person_of(request)] < REQUESTS_PER_PERSON]",
        "if had[_person_of(request)] < limit]",
        (f"{REVIEWERS}/test_fairness.py::test_a_person_of_several_workspaces_has_no_more_than_another",),
    ),
    Mutant(
        "what was granted today does not count",
        "digests/reviewers/queue.py",
        "requests.list_granted(today),",
        "[],",
        (
            f"{REVIEWERS}/test_queue.py"
            "::test_requested_papers_leave_nine_tenths_of_the_full_reviews_to_those_of_the_day",
        ),
    ),
    Mutant(
        "a request that was granted today is pruned with its review",
        "digests/store/paper_requests.py",
        "and_(_IS_CLOSED, is_uncounted)",
        "and_(_IS_CLOSED, or_(is_uncounted, _IS_CLOSED))",
        (
            "tests/digests/store/test_paper_requests.py::test_requests_that_are_old_or_closed_are_pruned[sqlite]",
        ),
    ),
    Mutant(
        "workspaces take no turns in first looks",
        "digests/reviewers/queue.py",
        "return {paper: float(turn_count - turn) for paper, turn in turns.items()}",
        "return {paper: float(turn_count) for paper in turns}",
        (f"{REVIEWERS}/test_queue.py::test_workspaces_take_turns_with_their_most_wanted_papers_first",),
    ),
    Mutant(
        "workspaces take no turns in full reviews",
        "digests/reviewers/queue.py",
        "return list(take_turns([*rankings[start:], *rankings[:start]], limit))",
        "return [paper for ranking in rankings for paper in ranking][:limit]",
        (
            f"{REVIEWERS}/test_queue.py"
            "::test_a_workspace_that_wants_everything_leaves_another_its_full_reviews",
        ),
    ),
    # Requests and forms of Slack.
    Mutant(
        "a foreign team id is admitted",
        "bot/platforms/slack/workspaces.py",
        "if team_id and team_id == self._workspace.team_id else None",
        "if team_id or self._workspace.team_id else None",
        (f"{SLACK}/test_foreign.py::test_a_request_of_another_workspace_gets_one_sentence_and_nothing_runs",),
    ),
    Mutant(
        "people of a partner may change",
        "bot/platforms/slack/listeners/requests.py",
        "if workspace.team_id not in teams:",
        "if not teams:",
        (f"{SLACK}/test_foreign.py::test_people_of_another_workspace_look_up_and_change_nothing",),
    ),
    Mutant(
        "a form names any channel",
        "bot/platforms/slack/form_signature.py",
        "json.dumps([team, user, channel])",
        "json.dumps([team, user])",
        (
            f"{SLACK}/test_foreign.py::"
            "test_a_form_is_taken_only_for_the_channel_and_person_that_it_was_opened_for",
        ),
    ),
    Mutant(
        "a form is taken from somebody who left the channel",
        "bot/platforms/slack/listeners/digest_forms.py",
        "require_person_in_channel(channel, user, workspace),",
        "require_app_in_channel(channel, workspace),",
        (f"{SLACK}/test_foreign.py::test_a_form_checks_membership_and_rights_when_it_is_sent",),
    ),
    Mutant(
        "a form is checked against a profile of minutes ago",
        "bot/platforms/slack/listeners/requests.py",
        "workspace.profiles.fetch_profile(user, is_fresh=True)",
        "workspace.profiles.fetch_profile(user, is_fresh=False)",
        (f"{SLACK}/test_foreign.py::test_a_form_checks_membership_and_rights_when_it_is_sent",),
    ),
    Mutant(
        "everybody shares into a Slack channel",
        "bot/platforms/slack/listeners/buttons.py",
        "if action_name == ButtonAction.SHARE:",
        "if action_name == ButtonAction.SETTINGS:",
        (f"{SLACK}/test_foreign.py::test_a_paper_is_shared_only_by_members_of_the_channel",),
    ),
    # Who is served.
    Mutant(
        "a later server takes the place of the first",
        "digests/store/workspaces.py",
        "if connection.execute(any_entry).first():",
        "if False:",
        (
            "tests/digests/store/test_workspaces.py::"
            "test_the_first_workspace_is_served_and_no_later_one_takes_its_place[sqlite]",
        ),
    ),
    Mutant(
        "a stranger's commands run",
        "bot/platforms/discord/slash.py",
        "return admitted",
        "return admitted or True",
        (
            f"{DISCORD}/test_servers.py::test_a_strangers_server_gets_one_private_sentence_for_whatever_it_tries",
        ),
    ),
    Mutant(
        "reactions of a stranger's server count",
        "bot/platforms/discord/events.py",
        "if not await self._is_served(event.guild_id):",
        "if await self.servers.is_served(event.guild_id) is None:",
        (f"{DISCORD}/test_servers.py::test_reactions_in_a_strangers_server_mark_nothing",),
    ),
    Mutant(
        "a rejoined server starts every stopped digest",
        "bot/platforms/discord/events.py",
        "if subscription.stop_reason == REMOVED_REASON",
        "if subscription.stop_reason",
        (
            f"{DISCORD}/test_servers.py::"
            "test_a_server_that_comes_back_gets_only_the_digests_that_its_removal_stopped",
        ),
    ),
    Mutant(
        "a form may name a channel that the person cannot see",
        "bot/platforms/discord/listeners/requests.py",
        " or not resolved.permissions_for(person).view_channel",
        "",
        (
            f"{DISCORD}/test_servers.py::"
            "test_a_form_names_a_channel_of_its_own_server_that_person_and_bot_can_use",
        ),
    ),
    Mutant(
        "everybody shares",
        "bot/platforms/discord/listeners/buttons.py",
        "if not granted.send_messages:",
        "if not granted.view_channel:",
        (f"{DISCORD}/test_servers.py::test_a_paper_is_shared_only_by_people_who_may_write_in_the_channel",),
    ),
    Mutant(
        "strangers look papers up in direct messages",
        "bot/platforms/discord/servers.py",
        "if error.code == UNKNOWN_MEMBER:\n                return False",
        "if error.code == UNKNOWN_MEMBER:\n                return True",
        (f"{DISCORD}/test_servers.py::test_a_look_up_outside_of_our_servers_is_for_their_people",),
    ),
    Mutant(
        "posted card of a paper that is held later left as it was",
        "digests/store/moderation.py",
        "            if insert_if_absent(connection, holds, values):\n",
        "            if not insert_if_absent(connection, holds, values):\n",
        (
            "tests/digests/store/test_post_edits.py::test_a_posted_paper_that_is_held_or_rejected_later_is_refreshed_until_it_is_released[sqlite]",
        ),
    ),
    Mutant(
        "blank lines searched from each line",
        "digests/reviewers/prompt.py",
        'r"^[^\\w\\n]*(?:\\d+[^\\w\\n]*)?(?:references',
        'r"^\\W*(?:\\d+[^\\w\\n]*)?(?:references',
        (f"{LINEAR}[digests/]",),
    ),
    Mutant(
        "omission marks with white space",
        "digests/reviewers/quotes.py",
        'r"\\[?(?:\\.\\.\\.|…)\\]?"',
        'r"\\s*\\[?(?:\\.\\.\\.|…)\\]?"',
        (f"{LINEAR}[digests/]",),
    ),
    Mutant(
        "combining marks without a limit",
        "digests/text.py",
        "return text if text.isascii() else _MARK_RUN",
        "return text if text else _MARK_RUN",
        (f"{LINEAR}[digests/]",),
    ),
    Mutant(
        "reading that is not counted",
        "digests/reviewers/full_review.py",
        "queue.begin_reading, self.paper.id, version, now=",
        "queue.begin_reading, self.paper.id, -1, now=",
        (f"{FULL_REVIEW}::test_a_text_whose_reading_never_ends_is_read_twice",),
    ),
    Mutant(
        "text read no second time after its process was killed",
        "digests/store/review_queue.py",
        "reading_count >= MAX_UNFINISHED_READINGS",
        "reading_count >= 1",
        (f"{FULL_REVIEW}::test_a_text_whose_reading_never_ends_is_read_twice",),
    ),
    Mutant(
        "paper that ends its reader is not marked",
        "digests/reviewers/full_review.py",
        "queue.mark_unreadable, self.paper.id, version, now=",
        "queue.mark_unreadable, self.paper.id, -1, now=",
        (f"{FULL_REVIEW}::test_a_paper_that_ends_its_reader_is_marked_and_reviewed_by_its_abstract",),
    ),
    Mutant(
        "mark that is not looked at",
        "digests/reviewers/full_review.py",
        "queue.is_unreadable, paper.id, paper.version):",
        "queue.is_unreadable, paper.id, -1):",
        (f"{FULL_REVIEW}::test_a_marked_paper_is_not_read_again_after_a_start",),
    ),
    Mutant(
        "mark that stays after a reading",
        "digests/reviewers/full_review.py",
        "            if is_unreadable:",
        "            if not is_unreadable:",
        (f"{FULL_REVIEW}::test_a_paper_that_was_read_is_not_marked",),
    ),
    Mutant(
        "paper blamed for a reader that does not start",
        "digests/reviewers/full_review.py",
        "is_unreadable = not isinstance(error, ReaderStartError)",
        "is_unreadable = isinstance(error, ReaderError)",
        (f"{FULL_REVIEW}::test_a_reader_that_does_not_start_marks_no_paper",),
    ),
    Mutant(
        "secrets in the reader",
        "digests/reviewers/reader.py",
        "for name in PASSED_VARIABLES if name in os.environ",
        "for name in os.environ",
        ("tests/digests/reviewers/test_reader.py::test_a_reader_has_no_secrets",),
    ),
    Mutant(
        "reader without a limit of memory",
        "digests/reviewers/reader.py",
        "(resource.RLIMIT_AS, memory_bytes),",
        "(resource.RLIMIT_AS, memory_bytes * 100),",
        ("tests/digests/reviewers/test_reader.py::test_a_reader_that_takes_too_much_memory_is_ended",),
    ),
    Mutant(
        "tracking parameters kept in the id of an address",
        "digests/ids.py",
        "if not _TRACKING_PARAMETER.match(part)",
        "if part",
        (
            "tests/digests/test_ids.py::test_a_link_keeps_what_its_server_may_need_and_loses_what_follows_people",
        ),
    ),
    Mutant(
        "withdrawal read from any sentence about withdrawn papers",
        "digests/sources/arxiv/papers.py",
        'rf"|(?:temporarily\\s+)?(?:withdrawn|retracted){_REASON}",',
        'rf"|(?:temporarily\\s+)?(?:withdrawn|retracted)",',
        (
            "tests/digests/sources/arxiv/test_reading.py::"
            "test_a_withdrawal_is_recognized_at_the_beginning_of_a_text"
            "[-Retracted articles keep being cited for years.-False]",
        ),
    ),
    Mutant(
        "the last thread to ask for a write gets it first",
        "digests/store/write_queue.py",
        "self._waiting.popleft().set()",
        "self._waiting.pop().set()",
        (
            "tests/digests/store/test_write_queue.py::"
            "test_threads_get_the_turn_in_the_order_in_which_they_asked_and_nobody_overtakes",
        ),
    ),
    # Key limitations.
    Mutant(
        "key limitations by position",
        "digests/limitation_ranking.py",
        "return sorted(points, key=_weigh_point, reverse=True)",
        "return [*points]",
        (f"{LIMITATIONS}::test_a_near_duplicate_is_neither_shown_nor_counted",),
    ),
    Mutant(
        "limitations of equal weight turned round",
        "digests/limitation_ranking.py",
        "return sorted(points, key=_weigh_point, reverse=True)",
        "return sorted(points, key=_weigh_point)[::-1]",
        (f"{LIMITATIONS}::test_points_of_equal_weight_keep_their_order",),
    ),
    Mutant(
        "limitation shown twice in other words",
        "digests/limitations.py",
        "if is_near_duplicate(point, chosen):",
        "if point in chosen:",
        (f"{LIMITATIONS}::test_a_near_duplicate_is_neither_shown_nor_counted",),
    ),
    Mutant(
        "limitation taken for an announcement",
        "digests/limitations.py",
        "or _NAMED.match(bare)",
        "",
        (
            f"{LIMITATIONS}::test_a_limitation_that_resembles_an_announcement_is_kept"
            "[The price of the sensors is a major limitation.]",
        ),
    ),
    Mutant(
        "groups of LaTeX read to any depth",
        "digests/latex.py",
        "if self._depth >= MAX_NESTING:\n            return",
        "if self._depth >= 10**6:\n            return",
        ("tests/digests/test_text.py::test_deep_nesting_and_open_groups_lose_only_their_braces",),
    ),
    Mutant(
        "control character made of a code point",
        "digests/latex.py",
        'if sign and unicodedata.category(sign)[0] != "C" else ""',
        'if sign else ""',
        ("tests/digests/test_text.py::test_a_code_point_never_makes_a_mark_of_the_converter",),
    ),
    Mutant(
        "braces of a set removed",
        "digests/latex.py",
        "        return not is_prose or",
        "        return",
        ("tests/digests/test_text.py::test_text_that_is_not_latex_is_kept[one of {none, system, judge}]",),
    ),
    Mutant(
        "semicolon inside a sentence of several taken for a list",
        "digests/limitations.py",
        "if not cuts or (not is_capital_list and len(split_sentences(text)) > 1):",
        "if not cuts:",
        (f"{LIMITATIONS}::test_a_semicolon_inside_a_sentence_of_several_is_kept",),
    ),
    Mutant(
        "person of the same id forgotten in every workspace",
        "digests/store/people/conditions.py",
        'return is_on_platform, table.c.workspace.in_((person.workspace, ""))',
        "return is_on_platform, table.c.workspace.is_not(None)",
        (f"{PEOPLE}::test_a_person_of_the_same_id_in_another_workspace_and_everybody_else_stay",),
    ),
    Mutant(
        "request deleted with its person, so that the day's share is free again",
        "digests/store/people/names.py",
        'if not insert_if_absent(connection, requests, new_row) and row["granted_on"]:',
        'if row["granted_on"]:',
        (f"{PEOPLE}::test_whoever_asks_is_forgotten_and_asks_again_leaves_the_days_share_as_it_was",),
    ),
    Mutant(
        "restored backup that is not compared with the tombstones",
        "digests/store/__init__.py",
        "        store.reapply_tombstones()\n",
        "",
        (f"{TOMBSTONES}::test_a_restored_backup_forgets_again_what_is_older_than_the_tombstone",),
    ),
    Mutant(
        "tombstone that erases what is newer",
        "digests/store/people/reapplication.py",
        "erase_subject(connection, subject, now=at, before=at)",
        "erase_subject(connection, subject, now=at)",
        (f"{TOMBSTONES}::test_a_person_who_comes_back_keeps_what_is_newer_than_the_tombstone",),
    ),
    Mutant(
        "deleted values left in SQLite's file",
        "digests/store/engine.py",
        'cursor.execute("PRAGMA secure_delete = ON")',
        'cursor.execute("PRAGMA secure_delete = OFF")',
        (f"{TOMBSTONES}::test_a_forgotten_person_is_in_no_byte_of_the_files",),
    ),
    Mutant(
        "workspace erased though it is used again",
        "digests/store/people/__init__.py",
        "if was_used_since(connection, workspace, removed_at):",
        "if not removed_at:",
        ("tests/bot/test_retention.py::test_a_workspace_that_is_used_after_its_removal_is_back",),
    ),
    Mutant(
        "forgotten person whose old reactions are read again",
        "bot/conversation/marks.py",
        "if not forgotten:",
        "if forgotten or not forgotten:",
        (
            "tests/bot/conversation/test_people.py"
            "::test_reactions_of_a_forgotten_person_are_not_read_again_after_a_lost_connection",
        ),
    ),
    Mutant(
        "person forgotten before they confirmed it",
        "bot/conversation/people.py",
        "if not is_confirmed:",
        "if not is_confirmed and not person.id:",
        ("tests/bot/conversation/test_people.py::test_a_person_is_told_what_would_go_before_anything_goes",),
    ),
    Mutant(
        "papers that a server refuses taken for a server that is down",
        "digests/reviewers/tasks.py",
        "self.outcome.has_server_answered = await does_server_answer(self.context)",
        "self.outcome.has_server_answered = False",
        (
            "tests/digests/reviewers/test_tasks.py::"
            "test_papers_that_a_server_always_refuses_stop_no_others_and_are_abandoned[500]",
        ),
    ),
    Mutant(
        "abstract of any length in a prompt",
        "digests/reviewers/prompt.py",
        "return sanitize_text(truncate_middle(abstract, MAX_ABSTRACT_CHARACTERS))",
        "return sanitize_text(abstract)",
        (
            "tests/digests/reviewers/test_budget.py::"
            "test_a_paper_with_an_endless_title_and_abstract_leaves_the_budget_to_the_others",
        ),
    ),
    Mutant(
        "row with an open quotation mark takes the rows below",
        "digests/sources/table.py",
        "waiting.extendleft(reversed(row[1:]))",
        "waiting.clear()",
        ("tests/digests/sources/test_foreign_records.py::test_a_bad_row_does_not_take_the_others",),
    ),
    Mutant(
        "unknown keys counted without a limit",
        "digests/sources/reviews.py",
        "if key in self.unknown_keys or len(self.unknown_keys) < MAX_UNKNOWN_KEYS:",
        "if key:",
        (
            "tests/digests/sources/test_foreign_records.py::test_unknown_keys_are_counted_and_their_number_is_limited",
        ),
    ),
    Mutant(
        "a fault during a probe is not counted",
        "digests/reviewers/tasks.py",
        "        elif fault:\n            async with self.context.probe_lock:",
        "        elif not fault:\n            async with self.context.probe_lock:",
        (
            "tests/digests/reviewers/test_tasks.py"
            "::test_a_fault_during_a_probe_that_is_answered_counts_as_an_attempt",
        ),
    ),
    Mutant(
        "a removed name may contain what stands for names",
        "digests/reviewers/prompt.py",
        "anonymized = anonymized.replace(name, _REMOVED_NAME)",
        'anonymized = anonymized.replace(name, "[author]")',
        (
            "tests/digests/reviewers/test_prompt.py::"
            "test_names_made_of_what_stands_for_names_make_no_text_longer",
        ),
    ),
    # Several digests of a channel.
    Mutant(
        "two digests of a channel leased in one call",
        "digests/store/outbox/claims.py",
        "            if channel is not None:\n                excluded.add(channel)\n",
        "",
        (f"{NAMED}::test_digests_of_one_channel_are_leased_one_after_another[sqlite]",),
    ),
    Mutant(
        "a digest leased while another process leases one of its channel",
        "digests/store/outbox/claims.py",
        "(set(shared_ids) - set(locked)) | set(busy)",
        "set(busy)",
        (f"{POSTGRES}::test_a_digest_waits_while_another_process_leases_one_of_its_channel",),
    ),
    Mutant(
        "a digest on demand beside another of its channel",
        "digests/store/outbox/claims.py",
        " or not self._select_one_per_channel([subscription.id])",
        "",
        (f"{NAMED}::test_a_digest_on_demand_waits_for_another_of_its_channel[sqlite]",),
    ),
    Mutant(
        "papers that another digest of the channel showed are shown again",
        "digests/store/outbox/reports.py",
        "or_(_neighbours.c.id == schema.subscriptions.c.id, not_(schema.subscriptions.c.repeat))",
        "_neighbours.c.id == schema.subscriptions.c.id",
        (
            f"{NAMED}::test_a_paper_that_one_digest_showed_counts_as_shown_for_the_others_of_its_channel[sqlite]",
        ),
    ),
    Mutant(
        "one key for pages of two digests",
        "bot/delivery/deliver.py",
        "{claim.kind} {subscription.id}",
        "{claim.kind} {subscription.name}",
        (f"{NAMED}::test_pages_of_a_new_main_digest_have_other_keys_than_those_of_the_renamed_one[sqlite]",),
    ),
    Mutant(
        "tables recreated with their references, and all deliveries lost",
        "digests/store/engine.py",
        'driver.execute("PRAGMA foreign_keys = OFF")',
        'driver.execute("PRAGMA foreign_keys = ON")',
        (
            "tests/digests/store/test_migrations.py::"
            "test_a_subscription_of_0107_keeps_what_was_delivered_and_becomes_the_main_digest[sqlite]",
        ),
    ),
    Mutant(
        "references off after a migration",
        "digests/store/engine.py",
        'driver.execute("PRAGMA foreign_keys = ON")',
        'driver.execute("PRAGMA synchronous = FULL")',
        (
            "tests/digests/store/test_migrations.py::"
            "test_a_subscription_of_0107_keeps_what_was_delivered_and_becomes_the_main_digest[sqlite]",
        ),
    ),
    Mutant(
        "weeks counted by ISO",
        "digests/schedule.py",
        "return (day.toordinal() - 1) // 7",
        "return day.isocalendar().week",
        (f"{SCHEDULE}::test_every_second_week_stays_so_over_clock_changes_and_ends_of_years[Europe/Berlin]",),
    ),
    Mutant(
        "a new hour moves the weeks of a rhythm",
        "digests/schedule.py",
        "if before is not None and before.every_weeks == schedule.every_weeks:",
        "if before == schedule:",
        (f"{SCHEDULE}::test_a_change_of_hour_or_days_keeps_the_weeks_and_a_weekly_rhythm_has_none[0]",),
    ),
    Mutant(
        "digests of a channel without a limit",
        "digests/store/subscriptions.py",
        "if len({row.name for row in rows}) >= MAX_DIGESTS_OF_CHANNEL:",
        "if not rows and MAX_DIGESTS_OF_CHANNEL < 0:",
        (f"{NAMED}::test_a_channel_has_a_limited_number_of_digests[sqlite]",),
    ),
    Mutant(
        "next papers of a digest without an end",
        "digests/next_papers.py",
        "if skipped > MAX_SKIPPED:",
        "if skipped > 10**9:",
        ("tests/digests/test_next_papers.py::test_any_other_value_is_refused_with_a_sentence",),
    ),
    Mutant(
        "papers without scores shown as a ranking",
        "bot/present/digest.py",
        "if all(_has_no_score(pick) for pick in digest.picks):",
        "if False:",
        ("tests/bot/present/test_present.py::test_a_day_without_scores_is_a_list_and_no_ranking",),
    ),
    Mutant(
        "next papers in place of the channel's digest",
        "bot/platforms/clicks.py",
        "await respond(await run_interactive(show_next, click.value, click.channel))",
        "await respond(await run_interactive(show_next, click.value, click.channel), replace=True)",
        (
            "tests/bot/platforms/test_clicks.py::"
            "test_the_next_papers_of_a_digest_are_shown_to_the_person_alone",
        ),
    ),
    Mutant(
        "an added digest takes the place of the main one",
        "bot/conversation/subscriptions.py",
        "return self._change_subscription(channel, understanding.subscription, person, name)",
        "return self._change_subscription(channel, understanding.subscription, person)",
        ("tests/bot/conversation/test_named_digests.py::test_a_digest_is_added_beside_the_main_one",),
    ),
    Mutant(
        "a form ends a rhythm of two weeks",
        "bot/conversation/subscription_form.py",
        "schedule=replace(base.schedule, at=at, days=days, time_zone=zone, every_weeks=weeks)",
        "schedule=replace(base.schedule, at=at, days=days, time_zone=zone, every_weeks=1)",
        (
            "tests/bot/conversation/test_ways_to_subscribe.py::"
            "test_another_rhythm_is_said_and_other_changes_keep_it",
        ),
    ),
    Mutant(
        "the next papers under a digest by the preferences of the main one",
        "bot/conversation/subscriptions.py",
        "self._require_subscription(channel, reference.name)",
        "self._require_subscription(channel)",
        (
            "tests/bot/conversation/test_named_digests.py::"
            "test_the_next_papers_under_a_digest_are_by_its_own_preferences",
        ),
    ),
    # Feedback of a channel.
    Mutant(
        "one person who leads a channel",
        "digests/feedback.py",
        "QUORUM = 2",
        "QUORUM = 1",
        (
            "tests/digests/test_feedback.py::"
            "test_one_person_alone_moves_nothing_in_a_channel_but_in_their_own_digest",
        ),
    ),
    Mutant(
        "a tie that counts as agreement with the team",
        "digests/team_agreement.py",
        "each.score > middle",
        "each.score >= middle",
        ("tests/digests/test_team_agreement.py::test_the_median_is_the_one_of_statistics",),
    ),
    Mutant(
        "a paper that was not worth it still wanted",
        "digests/store/recaps.py",
        "return frozenset((wanted | liked) - disliked)",
        "return frozenset(wanted | liked)",
        (
            "tests/digests/store/test_recaps.py::"
            "test_a_discussed_paper_that_most_found_not_worth_it_is_not_wanted[sqlite]",
        ),
    ),
    Mutant(
        "a recap that does not wait for its digest",
        "digests/store/outbox/recap_posts.py",
        " & ~unfinished)",
        ")",
        ("tests/bot/delivery/test_recap.py::test_a_recap_waits_for_the_digest_of_its_hour",),
    ),
    Mutant(
        "a second recap in a week",
        "digests/store/outbox/recap_posts.py",
        "and not _has_recap_in_week(connection, row.id, recap.edition)",
        "",
        ("tests/bot/delivery/test_recap.py::test_a_changed_schedule_gives_a_week_no_second_recap",),
    ),
    Mutant(
        "marks of another workspace that count in a channel's recap",
        "digests/store/recaps.py",
        """            marks.c.workspace.in_((channel.workspace, "")),
            marks.c.is_on,
            marks.c.at >= span.since,""",
        """            marks.c.is_on,
            marks.c.at >= span.since,""",
        (
            "tests/digests/store/test_recaps.py::test_a_recap_has_the_facts_of_its_own_channel_and_span[sqlite]",
        ),
    ),
    Mutant(
        "feedback that moves a must-show paper",
        "digests/pick.py",
        "if paper.score is not None and paper.score < must_show",
        "if paper.score is not None",
        (
            "tests/digests/test_feedback.py::test_a_paper_from_the_must_show_score_on_is_not_moved[8.5-expected0]",
        ),
    ),
    Mutant(
        "opinions of another workspace",
        "digests/store/feedback.py",
        "if channel.may_match(place):",
        "if place:",
        (
            "tests/digests/store/test_feedback.py::"
            "test_a_channel_has_the_opinions_of_its_own_workspace_and_platform[sqlite]",
        ),
    ),
    # Questions about a paper.
    Mutant(
        "an answer about a held paper to a whole channel",
        "bot/conversation/questions.py",
        "if is_public and scored.is_withheld:",
        "if is_public and not scored:",
        ("tests/bot/conversation/test_questions.py::test_a_channel_is_shown_no_held_paper",),
    ),
    Mutant(
        "an answer about the paper of the card to a question about another one",
        "bot/conversation/questions.py",
        "if not place and is_about_another(question, rest, scored):",
        "if not scored:",
        (
            "tests/bot/conversation/test_questions.py::"
            "test_a_look_up_in_a_thread_stays_a_look_up[what are the limitations of LoRA?]",
        ),
    ),
    Mutant(
        "a passage of an answer with most of its words missing",
        "digests/questions.py",
        "if 2 * count > len(stems):",
        "if count:",
        ("tests/digests/test_questions.py::test_a_question_that_nothing_answers_gets_no_passage",),
    ),
    # Reports about reviews.
    Mutant(
        "reports seen in other workspaces",
        "digests/store/review_reports.py",
        "reports.c.platform == platform, reports.c.workspace == workspace)\n            .group_by(",
        "reports.c.platform == platform)\n            .group_by(",
        ("tests/bot/conversation/test_reports.py::test_another_workspace_sees_nothing_of_it[channel0]",),
    ),
    Mutant(
        "a re-review of a report of another workspace",
        "bot/conversation/reports.py",
        "if not report or (report.platform, report.workspace) != (channel.platform, channel.workspace):",
        "if not report:",
        ("tests/bot/conversation/test_reports.py::test_nobody_else_starts_a_re_review",),
    ),
    Mutant(
        "an order told to the reviewer as a question",
        "digests/ports/review_reports.py",
        '        if self.is_suspect:\n            return ""\n',
        "",
        (f"{REVIEWERS}/test_re_review.py::test_a_reason_that_reads_like_an_order_is_not_told",),
    ),
    Mutant(
        "a changed reason told in place of the one that was decided on",
        "digests/store/re_reviews.py",
        "and_(reports.c.id == re_reviews.c.report, reports.c.at <= re_reviews.c.at)",
        "and_(reports.c.id == re_reviews.c.report)",
        (
            "tests/digests/store/test_review_reports.py::"
            "test_the_panel_is_told_only_the_reason_that_the_decider_read[sqlite-another reason]",
        ),
    ),
    Mutant(
        "a re-review that crashed paid twice",
        "digests/reviewers/tasks.py",
        "bool(review.reviewed_at and review.reviewed_at >= asked_at)",
        "bool(review.reviewed_at and review.reviewed_at > asked_at + timedelta(days=1))",
        (f"{REVIEWERS}/test_re_review.py::test_a_crash_between_the_review_and_its_end_pays_no_second_call",),
    ),
    # A panel, and what models send.
    Mutant(
        "weights of a panel ignored",
        "digests/panel.py",
        "(member.weight or 1.0, member.placed_score)",
        "(1.0, member.placed_score)",
        ("tests/digests/test_panel.py::test_raw_scores_are_averaged_with_the_weights_of_their_models",),
    ),
    Mutant(
        "score of a member placed with the deviations exchanged",
        "digests/panel.py",
        "(score - own.mean) / own.deviation * common.deviation",
        "(score - own.mean) * own.deviation / common.deviation",
        (
            "tests/digests/test_panel.py::test_a_known_distribution_places_a_score_on_the_scale_of_the_first_member",
        ),
    ),
    Mutant(
        "distribution of a model believed from a few scores",
        "digests/panel.py",
        "if len(recent) < MIN_SCORES:",
        "if len(recent) < MIN_SCORES - 1:",
        ("tests/digests/test_panel.py::test_a_distribution_is_known_from_fifty_scores",),
    ),
    Mutant(
        "old review of a model counts beside its newer one",
        "digests/panel.py",
        "return known if is_older else incoming",
        "return incoming",
        ("tests/digests/test_panel.py::test_the_newest_review_of_each_model_and_sample_is_a_member",),
    ),
    Mutant(
        "review of an earlier version of the paper is a member",
        "digests/panel.py",
        "and _version_of(review) in (0, version)",
        "and _version_of(review) in (0, 1, version)",
        ("tests/digests/test_panel.py::test_a_review_that_no_longer_counts_is_no_member",),
    ),
    Mutant(
        "limitations of a panel in the order of its members",
        "digests/panel.py",
        "merged.sort(key=lambda each: -len(each.finders))",
        "merged.sort(key=lambda each: 0)",
        (
            "tests/digests/test_panel.py::test_limitations_that_several_found_come_first_once_with_every_quote",
        ),
    ),
    Mutant(
        "votes asked about papers far from every border",
        "digests/reviewers/voting.py",
        "if is_shown or distance <= margin:",
        "if is_shown or distance <= 9 * margin:",
        (f"{REVIEWERS}/test_voting.py::test_votes_go_first_to_papers_near_the_border_of_the_best",),
    ),
    Mutant(
        "divided panel gets no vote first",
        "digests/reviewers/voting.py",
        "needs[paper] = -1.0",
        "needs[paper] += 0.0",
        (f"{REVIEWERS}/test_voting.py::test_a_divided_panel_comes_before_all_others",),
    ),
    Mutant(
        "member that is down asked again in the same round",
        "digests/reviewers/voting.py",
        "outcome.leave_out(voter.context.seat)",
        "outcome.held_count += 0",
        (
            f"{REVIEWERS}/test_voting.py::test_a_further_member_that_is_down_is_left_out_and_named_and_votes_later",
        ),
    ),
    Mutant(
        "missed vote of a member that is down noted nowhere",
        "digests/reviewers/voting.py",
        "await context.run_blocking(_note_missed, voter)",
        "pass",
        (
            f"{REVIEWERS}/test_voting.py::test_a_further_member_that_is_down_is_left_out_and_named_and_votes_later",
        ),
    ),
    Mutant(
        "text of a paper prepared for each member",
        "digests/reviewers/tasks.py",
        "group.create_task(other.ask_too(prepared))",
        "group.create_task(review_together([other]))",
        (
            f"{REVIEWERS}/test_voting.py::test_the_members_review_a_paper_in_full_at_the_same_time_and_its_text_is_fetched_once",
        ),
    ),
    Mutant(
        "failed vote tried for ever",
        "digests/reviewers/tasks.py",
        "self.context.panel_state.failures[self._seat_key] += 1",
        "self.context.panel_state.failures[self._seat_key] += 0",
        (f"{REVIEWERS}/test_voting.py::test_a_vote_that_fails_leaves_the_review_and_is_not_tried_for_ever",),
    ),
    Mutant(
        "call without room in the budget ends the round at once",
        "digests/reviewers/context.py",
        "        if not self._count:\n            return False\n        self._has_closed.clear()",
        "        if self._count >= 0:\n            return False\n        self._has_closed.clear()",
        (f"{REVIEWERS}/test_budget.py::test_a_call_without_room_waits_for_what_the_open_calls_do_not_use",),
    ),
    Mutant(
        "TeX after a backslash read as a control character of JSON",
        "digests/reviewers/loose_json.py",
        "if sign in _CONTROLS and not _is_macro(text, position):",
        "if sign in _CONTROLS:",
        (f"{REVIEWERS}/test_answers.py::test_tex_and_quotes_in_json_are_restored",),
    ),
    Mutant(
        "quotation mark inside a text ends it",
        "digests/reviewers/loose_json.py",
        "elif _AFTER_VALUE.match(text, position + 1) or _NEXT_KEY.match(text, position + 1):",
        "elif position:",
        (f"{REVIEWERS}/test_answers.py::test_tex_and_quotes_in_json_are_restored",),
    ),
    Mutant(
        "first form of an answer wins",
        "digests/reviewers/forms.py",
        "for found in reversed(objects):",
        "for found in objects:",
        (f"{REVIEWERS}/test_answers.py::test_the_last_whole_form_is_found",),
    ),
    Mutant(
        "draft in thoughts is a result",
        "digests/reviewers/forms.py",
        "    _check_thoughts(text, whole, found)\n",
        "",
        (f"{REVIEWERS}/test_answers.py::test_a_draft_is_no_result",),
    ),
    Mutant(
        "tag inside a text counts as the end of thoughts",
        "digests/reviewers/forms.py",
        "        position = found.end if found else 0\n    return is_open",
        "        position = found.start if found else 0\n    return is_open",
        (f"{REVIEWERS}/test_answers.py::test_a_tag_inside_a_text_is_text",),
    ),
    Mutant(
        "form is not looked for in a wrapper",
        "digests/reviewers/forms.py",
        "MAX_WRAPPERS = 4",
        "MAX_WRAPPERS = 0",
        (f"{REVIEWERS}/test_answers.py::test_the_last_whole_form_is_found",),
    ),
    Mutant(
        "limitation stays without its quote",
        "digests/reviewers/parse.py",
        "if is_quoted(limitation.quote, comparable_text):",
        "if limitation.quote is not None:",
        (f"{REVIEWERS}/test_parse.py::test_a_limitation_with_an_invented_quote_is_dropped_and_counted",),
    ),
    Mutant(
        "lost ligature of a PDF loses a quote",
        "digests/reviewers/quotes.py",
        "for back in (0, 1, 2):",
        "for back in ():",
        (f"{REVIEWERS}/test_quotes.py::test_a_quote_is_found_however_both_sides_are_written",),
    ),
    Mutant(
        "parts of a quote in any order",
        "digests/reviewers/quotes.py",
        "        end = _find_end(part, comparable_text, end)\n",
        "        end = _find_end(part, comparable_text, 0)\n",
        (f"{REVIEWERS}/test_quotes.py::test_a_quote_with_other_words_is_not_found",),
    ),
    Mutant(
        "two words count as a quote",
        "digests/reviewers/quotes.py",
        "MIN_QUOTE_CHARACTERS = 12",
        "MIN_QUOTE_CHARACTERS = 2",
        (f"{REVIEWERS}/test_quotes.py::test_a_quote_with_other_words_is_not_found",),
    ),
    Mutant(
        "ties of a rank by their last place",
        "digests/agreement.py",
        "rank_of[value] = before + (counts[value] + 1) / 2",
        "rank_of[value] = before + counts[value]",
        ("tests/digests/test_agreement.py::test_spearman_ranks_ties_by_their_mean",),
    ),
    Mutant(
        "interval of many papers as wide as that of a few",
        "digests/agreement.py",
        "shrink = sqrt(min(1.0, MAX_SAMPLE / len(left)))",
        "shrink = 1.0",
        ("tests/digests/test_agreement.py::test_intervals_of_ten_times_the_papers_are_a_third_as_wide",),
    ),
    Mutant(
        "ties of Kendall counted as pairs in order",
        "digests/agreement.py",
        "pairs - ties - other_ties + joint_ties - discordant",
        "pairs - discordant",
        ("tests/digests/test_agreement.py::test_kendall_is_tau_b_by_its_definition",),
    ),
    Mutant(
        "AUC by the sum of ranks alone",
        "digests/agreement.py",
        "rank_sum - positives * (positives + 1) / 2",
        "rank_sum",
        ("tests/digests/test_agreement.py::test_auc_is_the_share_of_pairs_in_order_ties_by_half",),
    ),
    Mutant(
        "card names no member that was down",
        "bot/present/card.py",
        'return f"Without {_join_names(names)}, which did not answer" if names else ""',
        'return ""',
        ("tests/bot/present/test_panels.py::test_a_member_that_was_down_is_named_until_it_has_voted",),
    ),
    # Orders to the reviewer, hidden text, and the question about both.
    Mutant(
        "an order told about taken for an order",
        "digests/injection_signals.py",
        'return not (is_about_attacks or sentence.has("not people", "not fair"))',
        "return True",
        (f"{INJECTIONS}::test_an_order_that_may_be_a_subject_is_only_suspicious",),
    ),
    Mutant(
        "suspicious passages of one text without a bound",
        "digests/injections.py",
        "if len(found) == MAX_SUSPICIOUS_PASSAGES:",
        "if len(found) == MAX_SUSPICIOUS_PASSAGES * 9:",
        (f"{INJECTIONS}::test_suspicious_passages_are_few",),
    ),
    Mutant(
        "a machine that is addressed overlooked",
        "digests/injection_signals.py",
        "    if _is_addressed(sentence, previous):\n",
        "    if False:\n",
        (f"{YARDSTICK}::test_the_rates_on_the_yardstick_of_strangers_are_known",),
    ),
    Mutant(
        "an order in another language overlooked",
        "digests/injection_signals.py",
        "    if _is_foreign_order(sentence, previous):\n",
        "    if False:\n",
        (f"{YARDSTICK}::test_the_rates_on_the_yardstick_of_strangers_are_known",),
    ),
    Mutant(
        "words of other languages taken for ASCII letters",
        "digests/quick_check.py",
        'f"[{_LETTERS}]"',
        '"[a-z]"',
        (f"{YARDSTICK}::test_the_rates_on_the_yardstick_are_known",),
    ),
    Mutant(
        "white text on white paint taken as seen",
        "digests/reviewers/pdf_painting.py",
        "            return is_white_area\n",
        "            return False\n",
        (f"{REVIEWERS}/test_pdf.py::test_text_that_nobody_sees_in_a_pdf_is_removed_and_flagged",),
    ),
    Mutant(
        "a title on a painted bar taken as hidden",
        "digests/reviewers/pdf_painting.py",
        "                return is_white_area\n        return True",
        "                return True\n        return True",
        (f"{REVIEWERS}/test_pdf.py::test_text_that_is_seen_in_a_pdf_stays",),
    ),
    Mutant(
        "the colour before a saved state lost",
        "digests/reviewers/pdf_painting.py",
        "level.paint = level.saved.pop() if level.saved else paint",
        "level.paint = paint",
        (f"{REVIEWERS}/test_pdf.py::test_text_that_is_seen_in_a_pdf_stays",),
    ),
    Mutant(
        "the size of PDF text taken without its matrix",
        "digests/reviewers/pdf_painting.py",
        "* math.sqrt(abs(a * d - b * c)) < MIN_FONT_POINTS",
        "< MIN_FONT_POINTS",
        (f"{REVIEWERS}/test_pdf.py::test_text_that_nobody_sees_in_a_pdf_is_removed_and_flagged",),
    ),
    Mutant(
        "painted areas of a PDF page without a bound",
        "digests/reviewers/pdf_painting.py",
        "        level.areas[-1] = (_EVERYWHERE, False)",
        "        pass",
        (f"{REVIEWERS}/test_pdf.py::test_many_areas_of_a_page_are_kept_as_one",),
    ),
    Mutant(
        "a rule for other elements taken for all",
        "digests/reviewers/style_sheets.py",
        '        return self.tag in ("", element.tag) and self.names <= element.names',
        '        return self.tag in ("", element.tag) or self.names <= element.names',
        (f"{REVIEWERS}/test_html.py::test_text_that_no_rule_hides_stays",),
    ),
    Mutant(
        "rules for print taken for the screen",
        "digests/reviewers/style_sheets.py",
        "if not is_print and _BEARS",
        "if _BEARS",
        (f"{REVIEWERS}/test_html.py::test_text_that_no_rule_hides_stays",),
    ),
    Mutant(
        "an element's own style overruled by a sheet",
        "digests/reviewers/style_sheets.py",
        "{';'.join(sheets)[-MAX_DECLARATION_CHARACTERS:]};{style}",
        "{style};{';'.join(sheets)[-MAX_DECLARATION_CHARACTERS:]}",
        (f"{REVIEWERS}/test_html.py::test_the_style_of_an_element_has_the_last_word",),
    ),
    Mutant(
        "every suspicious passage flagged, whatever the model says",
        "digests/reviewers/second_look.py",
        "        if number in numbers\n",
        "",
        (f"{REVIEWERS}/test_second_look.py::test_any_other_answer_adds_no_flag",),
    ),
    Mutant(
        "the question about suspicious passages not paid",
        "digests/reviewers/second_look.py",
        "spent = context.budget.cost_of(usage)",
        "spent = context.budget.cost_of(TokenUsage())",
        (f"{REVIEWERS}/test_second_look.py::test_the_question_is_paid_from_the_budget",),
    ),
    Mutant(
        "a passage that closes its fence",
        "digests/reviewers/second_look.py",
        "sanitize_text(flag.excerpt[:MAX_PASSAGE_CHARACTERS], nonce)",
        "flag.excerpt[:MAX_PASSAGE_CHARACTERS]",
        (f"{REVIEWERS}/test_second_look.py::test_a_passage_cannot_close_its_fence",),
    ),
    Mutant(
        "hidden text that has a flag for being hidden not asked about",
        "digests/reviewers/second_look.py",
        "if flag.category != HIDDEN_TEXT]",
        "if flag.category]",
        (f"{REVIEWERS}/test_second_look.py::test_hidden_text_is_asked_about_once_and_flagged_as_hidden",),
    ),
    Mutant(
        "queue for a program without a workspace",
        "bot/web/paper_tools.py",
        "if has_queue:",
        "if True:",
        ("tests/bot/web/test_paper_tools.py::test_a_workspace_sees_its_own_queue_and_no_other",),
    ),
    # After a discussion.
    Mutant(
        "a neighbour's answers counted",
        "digests/store/discussions.py",
        " & (table.c.workspace == scope.workspace)",
        "",
        (f"{DISCUSSIONS}::test_another_workspace_and_platform_have_their_own_answers[sqlite]",),
    ),
    Mutant(
        "a person who answered twice counted twice",
        "digests/store/discussions.py",
        "            worth_it[row.person] = max(answer, worth_it.get(row.person, answer))",
        "            worth_it[row.person + row.channel] = answer",
        (
            f"{DISCUSSIONS}::test_a_person_who_answered_in_two_channels_counts_once_in_their_workspace[sqlite]",
        ),
    ),
    Mutant(
        "a question in a thread answered each time that it is delivered",
        "bot/platforms/lookups.py",
        "if answer and await self.repeats.is_new(event):",
        "if answer:",
        (
            "tests/bot/platforms/slack/test_app.py::"
            "test_a_question_in_a_cards_thread_is_answered_once_and_to_the_person_alone",
        ),
    ),
    Mutant(
        "a message to somebody by name answered by the app",
        "bot/platforms/slack/listeners/messages.py",
        'if "<@" in text or "<!" in text:',
        'if "<!" in text:',
        (
            "tests/bot/platforms/slack/test_app.py::"
            "test_a_question_in_a_cards_thread_is_answered_once_and_to_the_person_alone",
        ),
    ),
    Mutant(
        "a kept message that outlives its author",
        "digests/store/people/conditions.py",
        "or_(paper_notes.c.person == person.id, paper_notes.c.author == person.id)",
        "paper_notes.c.person == person.id",
        ("tests/digests/store/test_people.py::test_a_forgotten_person_is_in_no_column_of_any_table[sqlite]",),
    ),
    Mutant(
        "an agenda that changes its questions later",
        "bot/delivery/meetings.py",
        "until=meeting.chosen_at)",
        "until=context.clock())",
        ("tests/bot/delivery/test_meetings.py::test_a_question_that_comes_after_the_agenda_changes_nothing",),
    ),
    Mutant(
        "a question of the model about anything",
        "digests/reviewers/starter_questions.py",
        "return bool(telling) and len(shared) >= min(MIN_SHARED_WORDS, len(telling))",
        "return True",
        (
            "tests/digests/reviewers/test_starter_questions.py::"
            "test_a_question_that_is_not_about_its_limitation_or_odd_is_not_taken",
        ),
    ),
    Mutant(
        "a form of meetings taken from another person",
        "bot/platforms/slack/listeners/meeting_forms.py",
        "metadata, form = self._read_signed_metadata(view, user, workspace), read_meeting_form(view)",
        "metadata, form = read_metadata(view), read_meeting_form(view)",
        (
            "tests/bot/platforms/slack/test_meetings.py::"
            "test_meetings_are_planned_in_a_form_with_errors_at_their_fields",
        ),
    ),
    Mutant(
        "a note that anybody takes back",
        "digests/store/paper_notes.py",
        "notes.c.id == note, _is_of(person)",
        "notes.c.id == note",
        (
            "tests/digests/store/test_paper_notes.py::test_a_neighbour_neither_reads_nor_removes_a_note[sqlite]",
        ),
    ),
    Mutant(
        "a partner's people told what a workspace says of a paper",
        "bot/platforms/lookups.py",
        "if record and await is_own_person()",
        "if record",
        ("tests/bot/platforms/test_clicks.py::test_the_record_of_a_paper_is_for_people_of_the_workspace",),
    ),
    Mutant(
        "an agenda that does not ask after its meeting",
        "digests/store/outbox/meeting_posts.py",
        "        if last.paper and last.is_held:",
        "        if last.paper and not last.is_held:",
        (
            "tests/bot/delivery/test_meetings.py::"
            "test_an_agenda_asks_after_the_meeting_and_follows_the_answers",
        ),
    ),
    Mutant(
        "a closed poll that keeps its buttons",
        "bot/platforms/discord/client.py",
        'for name in ("content", "embeds", "components")}\n        await self._edit_message(channel, rec',
        'for name in ("content", "embeds")}\n        await self._edit_message(channel, rec',
        (
            "tests/bot/platforms/discord/test_client.py::"
            "test_an_edit_that_has_no_buttons_takes_the_old_ones_away_and_keeps_the_key",
        ),
    ),
    Mutant(
        "a paper that was held since presented by the next meeting",
        "bot/delivery/meetings.py",
        "            if not _is_withheld(meeting.paper, context):",
        "            if True:",
        (
            "tests/bot/delivery/test_meetings.py::"
            "test_a_paper_that_is_held_after_its_meeting_was_called_off_gets_no_card",
        ),
    ),
    Mutant(
        "a card of a held paper under a meeting that is called off",
        "bot/delivery/meetings.py",
        "if paper in posted or not each.is_withheld}",
        "if True}",
        ("tests/bot/delivery/test_meetings.py::test_a_called_off_meeting_shows_no_card_of_a_held_paper",),
    ),
    Mutant(
        "the paper of a meeting that stays on the queue",
        "bot/delivery/meetings.py",
        "                _take_off_queue(meeting, context)\n",
        "",
        (
            "tests/bot/delivery/test_meetings.py::"
            "test_the_paper_leaves_the_queue_and_a_later_mark_brings_it_back",
        ),
    ),
    Mutant(
        "a rota that forgets who led",
        "digests/meetings/rota.py",
        "(member.joined_at, member.led_at, member.passed_at)",
        "(member.joined_at, member.passed_at)",
        ("tests/digests/meetings/test_rota.py::test_people_who_are_always_there_lead_equally_often",),
    ),
    Mutant(
        "votes counted after the poll has closed",
        "digests/store/meetings.py",
        "                or now >= meeting.timetable.closes_at\n",
        "",
        (
            "tests/digests/store/test_meetings.py::"
            "test_a_poll_takes_no_votes_once_it_closes_is_decided_or_is_called_off[sqlite]",
        ),
    ),
    Mutant(
        "days off that stay in the calendar",
        "bot/present/meeting_calendar.py",
        '        series.add("exdate", excluded.astimezone(start.tzinfo))',
        "        pass",
        (
            "tests/bot/present/test_meeting_calendar.py::"
            "test_a_calendar_has_every_meeting_that_is_held_also_after_the_clocks_change",
        ),
    ),
    Mutant(
        "a changed meeting with the old sequence number in the calendar",
        "bot/present/meeting_calendar.py",
        "sequence=meeting.plan_revision)",
        "sequence=meeting.plan_id)",
        (
            "tests/bot/present/test_meeting_calendar.py::"
            "test_a_uid_is_stable_and_the_sequence_grows_with_each_change",
        ),
    ),
    Mutant(
        "a shared queue's number on a card from its own channel alone",
        "bot/present/post_update.py",
        "post.papers, shared=shared)",
        "post.papers)",
        ("tests/bot/test_marks_agree.py::test_card_queue_and_store_agree_in_the_end",),
    ),
    # Restoration of a backup.
    Mutant(
        "a delivery after a restoration posts without a look",
        "bot/delivery/deliver.py",
        "self._post_unless_found(page) if is_after_restoration else",
        "self._post_page(page) if is_after_restoration else",
        (f"{RESTORED}::test_a_digest_that_was_posted_after_the_backup_is_found_and_not_posted_again",),
    ),
    Mutant(
        "a store in use is replaced",
        "digests/store/backup.py",
        "if is_any_role_held(database):",
        "if is_any_role_held(database) and False:",
        (f"{BACKUP}::test_a_store_in_use_is_not_replaced",),
    ),
    # Metrics.
    Mutant(
        "metrics forget what did not begin in time",
        "digests/store/metrics.py",
        "not_begun + not_ended",
        "not_ended",
        ("tests/bot/web/test_monitor.py::test_editions_that_do_not_begin_or_end_are_late[sqlite]",),
    ),
    # Access tokens, and what is answered over HTTP.
    Mutant(
        "any secret of a token's number",
        "digests/store/access_tokens.py",
        "if row is None or not hmac.compare_digest(row.secret_hash, _hash_secret(secret)):",
        "if row is None:",
        (f"{TOKENS}::test_a_text_that_is_not_exactly_the_token_is_refused[sqlite]",),
    ),
    Mutant(
        "a token of a program opens the page",
        "digests/store/access_tokens.py",
        "tokens.c.id == key, tokens.c.purpose == use, ~is_denied",
        "tokens.c.id == key, ~is_denied",
        (f"{TOKENS}::test_a_token_has_one_use[sqlite]",),
    ),
    Mutant(
        "a restored backup brings revoked tokens back",
        "digests/store/access_tokens.py",
        "row.created_at <= restored_at",
        "False",
        (f"{TOKENS}::test_a_restored_backup_does_not_bring_a_revoked_token_back[sqlite]",),
    ),
    Mutant(
        "any cookie opens the page",
        "bot/web/operator_page.py",
        "if not text or not await self._is_valid(text, request):",
        "if not text:",
        (f"{PAGE}::test_nothing_is_shown_without_a_valid_token",),
    ),
    Mutant(
        "words of others are markup on the page",
        "bot/web/html.py",
        "{start}{escape(inner)}{end}",
        "{start}{inner}{end}",
        (f"{PAGE}::test_hostile_words_stay_words",),
    ),
    Mutant(
        "digests in trouble without those that are late",
        "digests/store/overview.py",
        "        and_(_IS_RUNNING, digests.c.next_due_at < late),\n",
        "",
        ("tests/digests/store/test_overview.py::test_a_late_digest_is_in_trouble[sqlite]",),
    ),
    Mutant(
        "a foreign page asks",
        "bot/web/guard.py",
        "elif origin is not None and not self._is_own_origin(origin, host):",
        "elif False:",
        (f"{MCP}::test_a_page_of_another_site_cannot_ask",),
    ),
    Mutant(
        "a page waits for its file",
        "bot/delivery/deliver.py",
        "            except PostError as error:\n                self._give_file_up(page, error)",
        "            except PostError as error:\n                raise error",
        (
            f"{RECAP_PICTURES}::test_without_the_right_to_send_files_the_recap_comes_without_its_picture[slack]",
        ),
    ),
    Mutant(
        "a page whose file is refused is given up",
        "bot/delivery/deliver.py",
        "        except FileRefusedError as error:\n",
        "        except FileRefusedError as error:\n            raise\n",
        (
            f"{RECAP_PICTURES}::test_without_the_right_to_send_files_the_recap_comes_without_its_picture[discord]",
            f"{RECAP_PICTURES}::test_a_picture_that_slack_never_takes_is_left_out",
        ),
    ),
    Mutant(
        "a crash loses the picture",
        "digests/store/outbox/pages.py",
        "file=_decode_file(row.file) if row.file else None,",
        "file=None,",
        (f"{OUTBOX}/test_pages.py::test_a_page_keeps_its_file_until_it_is_confirmed[sqlite]",),
    ),
    Mutant(
        "the token goes to the address of an upload",
        "bot/platforms/slack/files.py",
        'headers = {"Content-Type": "application/octet-stream"}',
        'headers = {"Authorization": f"Bearer {client.token}"}',
        (f"{SLACK}/test_files.py::test_a_picture_is_uploaded_without_a_channel_and_shown_by_the_last_block",),
    ),
    Mutant(
        "a file for one person is shared with nobody",
        "bot/platforms/slack/files.py",
        'completion |= {"channel_id": conversation} if conversation else {}',
        "completion |= {}",
        (f"{SLACK}/test_files.py::test_a_file_of_an_answer_goes_to_the_persons_direct_messages_alone",),
    ),
    Mutant(
        "an event is made without a look for it",
        DISCORD_EVENTS,
        "if known := await self._find_event(guild, key):",
        'if known := await self._find_event(guild, f"{key}?"):',
        (
            f"{DISCORD}/test_scheduled_events.py"
            "::test_without_the_right_there_is_no_event_no_failure_and_the_digests_go_on",
        ),
    ),
    Mutant(
        "an event of somebody else is taken for ours",
        DISCORD_EVENTS,
        'is_own = str(event.get("creator_id")) == own_id',
        "is_own = True",
        (
            f"{DISCORD}/test_scheduled_events.py"
            "::test_an_event_of_somebody_else_with_the_same_words_is_not_taken_for_ours",
        ),
    ),
    Mutant(
        "a missing right to make events stops the digest",
        DISCORD_EVENTS,
        "            if error.outcome is not Outcome.GONE:\n                raise\n",
        "            if error:\n                raise\n",
        (
            f"{DISCORD}/test_scheduled_events.py"
            "::test_a_right_that_goes_between_the_look_and_the_request_does_not_stop_the_digest",
        ),
    ),
)
