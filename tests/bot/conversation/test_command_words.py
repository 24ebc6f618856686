"""The command grammar after /digest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.command_words import parse_digest_command
from bot.conversation.commands import (
    AddDigest,
    ChangeDigest,
    DecideOnPaper,
    DigestCommand,
    ExportPerson,
    ForgetPerson,
    LinkAccount,
    ListDigests,
    MarkPaper,
    Meet,
    PauseDigest,
    ResumeDigest,
    ReturnPaper,
    ShowDigestHelp,
    ShowHeldPapers,
    ShowQueue,
    ShowSettings,
    ShowToday,
    ShowTopPapers,
    SubscribeChannel,
    UnlinkAccount,
    UnsubscribeChannel,
)
from digests.errors import InputError
from digests.model import QueueOutcome


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", ShowDigestHelp()),
        ("  help ", ShowDigestHelp()),
        ("today", ShowToday()),
        ("TODAY!", ShowToday()),
        ("top", ShowTopPapers()),
        ("top 3", ShowTopPapers(3)),
        ("top 3 in vision", ShowTopPapers(3, None, "in:vision")),
        ("top three papers", ShowTopPapers(3)),
        ("top llms", ShowTopPapers(None, None, "in:language")),
        (
            "top 3 in cs.CV since March about diffusion",
            ShowTopPapers(3, None, "in:cs.CV since March about diffusion"),
        ),
        ("top in machine learning this week", ShowTopPapers(None, None, 'in:"machine learning" this week')),
        ("Top 10 In cs.CL This Month", ShowTopPapers(10, None, "in:cs.CL This Month")),
        ("top this week", ShowTopPapers(None, 7)),
        ("subscribe", SubscribeChannel()),
        ("subscribe vision at 08:30 top 3", SubscribeChannel("vision at 08:30 top 3")),
        ("subscribe about “rag”", SubscribeChannel('about "rag"')),
        ("subscribe vision yes", SubscribeChannel("vision", is_confirmed=True)),
        ("subscribe yes", SubscribeChannel("yes")),
        ("set top 5", ChangeDigest("top 5")),
        ("settings top 5", ChangeDigest("top 5")),
        ("change time to 10:00", ChangeDigest("time to 10:00")),
        ("set", ShowSettings()),
        ("settings", ShowSettings()),
        ("list", ListDigests()),
        (
            'add "Friday  Agents" agents on fri top 10 every 2 weeks',
            AddDigest("friday agents", "agents on fri top 10 every 2 weeks"),
        ),
        ("add vision top 3", AddDigest("vision", "top 3")),
        ("add “friday agents”", AddDigest("friday agents", "")),
        ("pause friday agents", PauseDigest("friday agents")),
        ('pause "Friday Agents".', PauseDigest("friday agents")),
        ("stop the digest!", PauseDigest()),
        ("resume friday agents", ResumeDigest("friday agents")),
        ("remove friday agents", UnsubscribeChannel("friday agents")),
        ("remove", UnsubscribeChannel()),
        ("off", PauseDigest()),
        ("on", ResumeDigest()),
        ("yesterday", ShowToday(days_ago=1)),
        ("done 1", DecideOnPaper(QueueOutcome.DISCUSSED, "1")),
        ("mark https://arxiv.org/abs/2402.01306", MarkPaper("https://arxiv.org/abs/2402.01306")),
        ("top 3 about diffusion", ShowTopPapers(3, None, "about diffusion")),
        (
            "top 3 papers in llms about rag this week",
            ShowTopPapers(3, None, "in:language about rag this week"),
        ),
        ("top 3 in rl", ShowTopPapers(3, None, "reinforcement learning")),
        ("pause", PauseDigest()),
        ("stop", PauseDigest()),
        ("resume", ResumeDigest()),
        ("unsubscribe", UnsubscribeChannel()),
        ("meet", Meet()),
        ("Meeting Thu 16:00 place Room 4", Meet("Thu 16:00 place Room 4")),
        ("queue", ShowQueue()),
        ("held", ShowHeldPapers()),
        ("forget me", ForgetPerson()),
        ("me forget", ForgetPerson()),
        ("me forget yes.", ForgetPerson(is_confirmed=True)),
        ("Me export", ExportPerson()),
        ("me link K7QX-3M2P", LinkAccount("K7QX-3M2P")),
        ("me unlink", UnlinkAccount()),
        ("Forget me yes!", ForgetPerson(is_confirmed=True)),
        ("export me", ExportPerson()),
        ("queue done 2", DecideOnPaper(QueueOutcome.DISCUSSED, "2")),
        ("queue pass on 2", DecideOnPaper(QueueOutcome.PASSED, "2")),
        ("queue Postpone 2402.01306", DecideOnPaper(QueueOutcome.POSTPONED, "2402.01306")),
        ("queue remove 3", DecideOnPaper(QueueOutcome.TAKEN_OUT, "3")),
        ("queue take out 3", DecideOnPaper(QueueOutcome.TAKEN_OUT, "3")),
        ("queue back 2402.01306", ReturnPaper("2402.01306")),
        ("queue 2", ShowQueue(2)),
        ("queue page 3", ShowQueue(3)),
        ("queue 0", ShowQueue(1)),
        ("queue done #2402.01306", DecideOnPaper(QueueOutcome.DISCUSSED, "2402.01306")),
    ],
)
def test_each_command_is_understood(text: str, command: DigestCommand) -> None:
    assert parse_digest_command(text) == command


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("subcribe vision", "Did you mean /papers subscribe"),
        ("quue", "Did you mean /papers queue"),
        ("xyzzy", "/papers help"),
        ("top 0", "1 to 20"),
        ("top 99", "1 to 20"),
        ("done", "/papers queue done 1"),
        ("mark", "/papers mark 2402.01306"),
        ("queue gone 2", "/papers queue done 1"),
    ],
)
def test_an_unknown_command_suggests_the_nearest_under_its_configured_name(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_digest_command(text, "/papers")
    assert said in str(refused.value)


@given(st.text(max_size=4000))
def test_any_text_is_a_command_or_a_short_sentence(text: str) -> None:
    try:
        parse_digest_command(text)
    except InputError as error:
        short = len(str(error)) < 400
        assert short
