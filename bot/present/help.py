"""The help: what people can type, with examples. Pure."""

from bot.chat.message import Heading, Message, Text

ADD_EXAMPLE = 'add "friday agents" agents on fri top 10 every 2 weeks'

RENAME_EXAMPLE = 'rename "friday agents" to "agents"'


def present_paper_help(command: str) -> Message:
    """Build the answer to /paper without text: examples of look-ups."""
    text = (
        f"{command} 2402.01306 - by its arXiv id\n"
        f"{command} https://arxiv.org/abs/2402.01306 - by its address\n"
        f"{command} DPO - by its name, title or author; typos are fine\n"
        f"{command} limitations of DPO - what its review names\n"
        f"{command} similar to DPO - papers like it\n"
        f"{command} diffusion in:cs.CV since:2025 min:8 - with filters; also by:, before:, flagged:no, "
        "has:code, marked:yes, sort:new\n"
        f"{command} 2 - the second paper of the last digest here\n"
        f"{command} 2: how was it tested? - what its review says to a question"
    )
    return Message("How to look a paper up", (Heading("Look a paper up"), Text(text)))


def present_digest_help(paper_command: str, command: str) -> Message:
    """Build the help: every command with an example, under the platform's names of the two commands."""
    text = (
        f"{paper_command} WORDS - look a paper up; only you see the answer\n"
        f"{command} subscribe vision at 08:30 top 3 min 8 - bring a digest here\n"
        f"{command} set top 5 - change one thing and leave the rest\n"
        f"{command} {ADD_EXAMPLE} - bring one more digest, with a name\n"
        f"{command} {RENAME_EXAMPLE} - give a digest another name\n"
        f"{command} list - the digests here\n"
        f"{command} settings - see or change it in a form\n"
        f"{command} today, yesterday - the best papers of a day; only you see the answer\n"
        f"{command} top 5 in language this week about agents - the best of all papers, "
        f"with the filters of {paper_command}\n"
        f"{command} queue - what people want to discuss; {command} queue done 1 takes one off, also pass 1, "
        "postpone 1, remove 1, back 2402.01306\n"
        f"{command} mark 2402.01306 - put a paper on the queue\n"
        f"{command} feedback - what people here want more or fewer of; feedback less 2402.01306 says so\n"
        f"{command} meet thu 16:00 every 2 weeks - plan meetings about papers of the queue\n"
        f"{command} note 2402.01306 ask for the code - keep a note about a paper; note shows yours, "
        "note 2402.01306 those about a paper\n"
        f"{command} set recap on - sum up each week here; set recap off ends it\n"
        f"{command} group - with whom the queue is shared\n"
        f"{command} me link, me unlink - count two accounts of yours as one person, or no more\n"
        f"{command} held - suspect papers that wait for a decision, for those whom the operator named\n"
        f"{command} pause, resume, unsubscribe - pause, resume or remove the digest; a name may follow\n"
        f"{command} export queue bib - the queue as a file; also discussions or marks, and md, json, ris, "
        "csl\n"
        f"{command} me export, me forget - show or erase what is kept about you"
    )
    marks = "React with 🔖 to a paper, or tap Discuss, to put it on the queue."
    return Message(
        "What Paperround can do", (Heading("What you can type"), Text(text), Text(marks, is_small_print=True))
    )


def present_greeting(paper_command: str, digest_command: str) -> Message:
    """Build the greeting to a channel that the app was just added to."""
    text = (
        f"Hello. I bring the day's best papers with their limitations. {digest_command} subscribe says which "
        f"and when; {paper_command} looks a paper up."
    )
    return Message(text, (Heading("Paperround"), Text(text)))
