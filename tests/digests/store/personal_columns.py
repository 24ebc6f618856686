"""Classification of every column of the store: about people, or not."""

PERSONAL_COLUMNS: dict[str, frozenset[str]] = {
    "subscriptions": frozenset({"paused_by", "paused_by_id", "owner_id"}),
    "subscription_changes": frozenset({"before", "after", "by", "by_id"}),
    "posts": frozenset({"payload", "payload_without_name", "shared_by_id"}),
    "marks": frozenset({"person"}),
    "discussions": frozenset({"by", "by_id"}),
    "queue_decisions": frozenset({"by", "by_id"}),
    "queue_consents": frozenset({"by", "by_id"}),
    "account_links": frozenset({"person"}),
    "link_codes": frozenset({"person", "other_person"}),
    "holds": frozenset({"by", "by_id"}),
    "paper_requests": frozenset({"person"}),
    "review_reports": frozenset({"person", "reason"}),
    "re_reviews": frozenset({"by", "by_id"}),
    "discussion_answers": frozenset({"person"}),
    "paper_notes": frozenset({"person", "text", "author"}),
    "feedback": frozenset({"person"}),
    "pages": frozenset({"payload"}),
    "installations": frozenset({"installed_by"}),
    "meeting_plans": frozenset({"by", "by_id"}),
    "meetings": frozenset({"presenter"}),
    "meeting_votes": frozenset({"person"}),
    "meeting_members": frozenset({"person"}),
}
"""Columns that can hold the id or the name of a person, or content that names one, by table."""

OTHER_COLUMNS: dict[str, frozenset[str]] = {
    table: frozenset(columns.split())
    for table, columns in {
        # Accounts of the operator's machine, and the name of a program or a device.
        "access_tokens": "id purpose platform workspace channel label secret_hash created_at created_by "
        "last_used_at revoked_at revoked_by",
        "alert_messages": "idempotency_key content sent_at attempts next_try_at",
        "alerts": "kind subject detail is_on since changed_at is_told",
        "lost_access": "platform workspace detail at",
        "comparisons": "scale first second verdict at",
        "counters": "name value",
        "deliveries": "id subscription edition kind state owner lease_until attempts reason next_try_at "
        "watermark due_at first_missed failures crashes empty_reason late_until late_watermark notify_at",
        "discussion_answers": "platform workspace channel paper is_worth_it worth_it_at limitation "
        "limitation_truth truth_at",
        "paper_notes": "id platform workspace channel paper at message_channel message_id",
        "discussions": "paper platform workspace channel at",
        "events": "id at",
        "feedback": "platform workspace channel paper is_more at",
        "health": "subject trouble detail waiting_count since reported_at",
        "holds": "paper state reason at",
        "imports": "id at",
        "installations": "platform workspace name is_organization app_id bot_user bot_id scopes installed_at "
        "tokens key_id expires_at revision ended_at problem renewal_owner renewal_until",
        "marks": "platform workspace channel paper mark_source message_id is_on is_direct at",
        "notes": "name text",
        "meeting_candidates": "meeting number paper score",
        "meeting_members": "plan joined_at passed_at away_first away_last declined",
        "meeting_plans": "id subscription content before is_active revision next_step_at at",
        "meeting_posts": "delivery meeting",
        "meeting_votes": "meeting paper at",
        "meetings": "id plan poll_at closes_at reminder_at starts_at paper chosen_at is_held revision",
        "organization_members": "platform workspace organization",
        "pages": "delivery number idempotency_key papers posted_states in_thread state receipt posted_at "
        "file",
        "pairwise_ranks": "review paper day rank group_size",
        "paper_requests": "paper platform workspace at granted_on",
        "papers": "id name url version title authors abstract primary_category categories published updated "
        "withdrawn flags flagged score rank tldr review upvotes code_url scale known_seq known_at "
        "changed_seq models_left_out",
        "post_edits": "post due_at not_before change_seq attempts last_text is_abandoned",
        "post_papers": "post ordinal paper platform channel version review_number score is_withdrawn",
        "posts": "id platform workspace channel message_id first_number delivery page posted_at is_direct",
        "account_links": "platform workspace identity at",
        "link_codes": "code platform workspace other_platform other_workspace expires_at",
        "queue_consents": "name platform workspace channel members at",
        "queue_decisions": "paper platform workspace channel outcome until at",
        "removals": "platform workspace at",
        "review_queue": "paper review_depth priority queued_at attempts reason next_try_at is_abandoned",
        "review_spending": "day tokens millionths full_reviews",
        "review_reports": "id platform workspace paper part limitation subject is_right is_suspect at",
        "re_reviews": "paper report review_number limitations at granted_on began_at finished_at",
        "reviews": "id paper fingerprint score rank tldr methodology experiments reproducibility limitations "
        "impact model reviewed_at read_depth review_depth assessment sample panel",
        "shown_papers": "subscription paper delivery page",
        "sources": "name position last_try last_success failure next_try_at",
        "subscription_changes": "id subscription at",
        "subscriptions": "id platform workspace channel name domains keywords authors match_mode muted "
        "unscored repeat language recap next_recap_at top min_score style at days every_weeks week_parity "
        "time_zone is_from_settings active is_direct next_due_at stop_reason next_edition running_since",
        "starter_questions": "paper limitation question at",
        "translations": "paper language source tldr limitations at",
        "turns": "name owner free_at",
        "unreadable_texts": "paper version marked_at reading_count",
        "workspaces": "platform workspace name state at",
    }.items()
}
"""All other columns. Authors of papers are public; owners of leases and turns are processes of ours."""
