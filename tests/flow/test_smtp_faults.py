"""Every phase of an SMTP session times everything that can go wrong in it: SND-07, SND-08, F74, F76 to F81, F86. The server does it once; what
becomes of the message then, and that the server has it at most once, is one table."""
import pytest

from scripted_smtp import KINDS, PHASES, ScriptedSmtp
from sender_house import BUILD, SLOW, TAG, House, simple

# What the sender makes of it. again: put off, and sent with the second attempt · failed: for good, the server has nothing ·
# unknown: it may have it, nobody sends it again · sent: with the first attempt. A server that says 5xx before it knows of the
# message refuses the session, not the message; 5xx to AUTH stops the account until its credentials change (ACC-06).
OUTCOMES = {
    #              4xx        5xx        close      stall      garbage
    "connect":    ["again",   "again",   "again",   "again",   "again"],
    "greeting":   ["again",   "again",   "again",   "again",   "again"],
    "ehlo":       ["again",   "again",   "again",   "again",   "again"],
    "starttls":   ["again",   "again",   "again",   "again",   "again"],
    "auth":       ["again",   "failed",  "again",   "again",   "again"],
    "ehlo again": ["again",   "failed",  "again",   "again",   "again"],
    "mail":       ["again",   "failed",  "again",   "again",   "again"],
    "rcpt":       ["again",   "failed",  "again",   "again",   "again"],
    "data":       ["again",   "failed",  "again",   "again",   "again"],
    "body":       ["again",   "failed",  "again",   "again",   "again"],
    "final":      ["again",   "failed",  "unknown", "unknown", "unknown"],
    "quit":       ["sent",    "sent",    "sent",    "sent",    "sent"],
}
ORDER = ["4xx", "5xx", "close", "stall", "garbage"]
LIMIT = f"{2 * SLOW}s"
WORDS = ("--clock.scale", "3600", "--connect_ms", LIMIT, "--reply_ms", LIMIT, "--final_ms", LIMIT, "--idle_ms", "0")  # an hour of looking is 1 s
JOURNAL = {"again": ["delayed", "sent"], "failed": ["failed"], "unknown": ["unknown"], "sent": ["sent"]}


@pytest.fixture(scope="module")
def place():
    if not (BUILD / "tests/flow/outbox").exists():
        pytest.skip("tests/flow/outbox is not built: make tests-built")
    made = House()
    made.tls, made.revision = made.smtp, 1
    (made.dir / "starttls").mkdir()
    made.start_tls = ScriptedSmtp(made.dir / "starttls", starttls=True)
    made.start_tls.context = made.tls.context
    made.start(*WORDS)
    yield made
    made.start_tls.close()
    made.close()


def test_the_table_is_whole():
    assert list(OUTCOMES) == PHASES and sorted(ORDER) == sorted(KINDS) and all(len(row) == len(ORDER) for row in OUTCOMES.values())


@pytest.mark.parametrize("phase,kind,outcome", [(phase, kind, row[i]) for phase, row in OUTCOMES.items() for i, kind in enumerate(ORDER)])
def test_snd08_phase_and_fault(place, phase, kind, outcome):
    """Proves SND-07, SND-08, F74, F76, F78, F79, F86: the outcome of the table, at most one copy, and the account goes on afterwards."""
    server = place.smtp = place.start_tls if phase == "starttls" else place.tls
    place.revision += 1
    place.account(security="starttls" if phase == "starttls" else "tls", revision=place.revision)
    place.redis.delete(TAG + ":lg")  # as the gateway does with new credentials
    server.faults, server.messages, server.taken, server.commands, server.logins = [(phase, kind)], [], [], [], 0
    submission = place.submit(simple(text="x" * (1_000_000 if phase == "body" else 100)))
    state = place.until(submission, *(["sent"] if outcome in ("again", "sent") else [outcome]))
    if phase != "quit":
        assert not server.faults, "it happened"
    assert place.journal(submission) == JOURNAL[outcome], (place.journal(submission), state)
    assert len(server.taken) == (1 if outcome in ("again", "sent") else 0) and len(server.messages) <= (2 if outcome == "again" else 1)
    assert state["attempts"] == (2 if outcome == "again" else 1), state
    assert state["recipients"][0]["status"] == {"again": "sent"}.get(outcome, outcome)
    assert not [c for c in server.commands if c.startswith("RSET")], "a connection that had trouble is not used again"
    if outcome == "failed" and phase != "auth":
        assert state["serverReply"].startswith("554 5.3.0"), state
    after = place.submit(simple())
    if phase == "auth" and kind == "5xx":
        assert "wrong_credentials" in place.until(after, "failed")["serverReply"]
    else:
        place.until(after, "sent")
