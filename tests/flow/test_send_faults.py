"""What goes wrong around a send, by its number: F76, F77, F79, F81, F84, F85, F86, and that one slow server slows nobody else (SND-10). On the
real sender and a server that does it on purpose."""
import re
import signal
import subprocess
import time

import msgpack

import sender_house
from scripted_smtp import ScriptedSmtp
from sender_house import BUILD, COMPANY, GENERATION, TAG, house, read, simple, wait  # noqa: F401


def test_f76_attempts_live_in_the_outbox(house):  # noqa: F811
    """Proves F76: neither a new connection nor a new process begins to count anew; after the five days (here divided) it ends."""
    house.smtp.mail = "451 4.7.1 later"
    words = ("--clock.scale", "20000", "--lease_ms", "1s", "--connect_ms", "2s")  # five days are 22 s
    name = house.start(*words)
    submission, seen = house.submit(simple()), 0
    for _ in range(3):
        attempts = wait(lambda seen=seen: house.state(submission).get("attempts", 0) > seen and house.state(submission)["attempts"], "one more")
        assert attempts > seen
        seen = attempts
        house.stop(name, signal.SIGKILL)
        name = house.start(*words)
    state = house.until(submission, "failed", seconds=60)
    assert state["attempts"] > seen and house.journal(submission)[-1] == "failed" and house.smtp.messages == []


def test_f77_the_last_answer_has_its_own_time(house):  # noqa: F811
    """Proves F77: what a server may take for the last answer is ten minutes (RFC 5321 4.5.3.2.6), whatever the time for the others."""
    shown = subprocess.run([BUILD / "sender/sender", "--help"], capture_output=True, text=True, check=False)
    assert re.search(r"final_ms.*10m", shown.stdout + shown.stderr), "the default"
    house.smtp.final = lambda connection: time.sleep(3) or "250 2.0.0 late, but taken"
    house.start("--reply_ms", "1s", "--final_ms", "60s")
    state = house.until(house.submit(simple()), "sent", seconds=30)
    assert state["attempts"] == 1 and state["serverReply"].endswith("late, but taken")


def test_f79_refused_after_the_end_is_safe(house):  # noqa: F811
    """Proves F79, F78: 4xx to the last octets is an answer, so it is tried again; no answer is none, so it is not."""
    answers = ["452 4.3.1 disk full", "250 2.0.0 taken"]
    house.smtp.final = lambda connection: answers.pop(0) if answers else None
    house.start("--clock.scale", "3600")
    first = house.submit(simple())
    assert house.until(first, "sent")["attempts"] == 2 and len(house.smtp.messages) == 2 and len(house.smtp.taken) == 1
    second = house.submit(simple())
    assert house.until(second, "unknown")["attempts"] == 1 and len(house.smtp.messages) == 3


def test_f80_the_accepted_get_no_second_copy(house):  # noqa: F811
    """Proves F80: of three recipients one is refused for good and one for now: each has its own outcome, nobody gets it twice."""
    later = ["450 4.2.1 busy", "250 ok"]
    house.smtp.rcpt = lambda a: {"no@them.example": "550 5.1.1 nobody"}.get(a) or (later.pop(0) if a == "late@them.example" else "250 ok")
    house.start("--clock.scale", "600")
    submission = house.submit(simple(to=[{"email": a + "@them.example"} for a in ("bo", "no", "late")]), recipients=3)
    state = house.until(submission, "sent")
    assert {r["email"].partition("@")[0]: r["status"] for r in state["recipients"]} == {"bo": "sent", "no": "failed", "late": "sent"}
    assert [to for _, to, _ in house.smtp.messages] == [["bo@them.example"], ["late@them.example"]]


def test_f81_a_throttled_login_is_no_refused_one(house):  # noqa: F811
    """Proves F81, ACC-06: 454 and 421 at the login put the message off; the account's credentials are not doubted, and it goes in the end."""
    from scripted_smtp import Connection
    said, plain = ["454 4.7.0 Too many login attempts, please try again later", "421 4.7.0 Try again later"], Connection.do_auth

    def throttled(self, line):
        if said:
            self.say(said.pop(0))
        else:
            plain(self, line)
    Connection.do_auth = throttled
    try:
        house.start("--clock.scale", "600", "--login_retry_ms", "60s")
        submission = house.submit(simple())
        state = house.until(submission, "sent", seconds=30)
    finally:
        Connection.do_auth = plain
    assert not said and state["attempts"] == 3 and house.journal(submission) == ["delayed", "delayed", "sent"]
    assert b"wrong_credentials" not in b"".join(house.redis.hvals(TAG + ":lg")) and house.redis.hget(TAG + ":st", "state") is None


def test_f84_no_line_break_reaches_the_server(house):  # noqa: F811
    """Proves F84: not by the name for EHLO, not by what the server says of SIZE, not by a header (test_sender.py, test_compose.py)."""
    house.smtp.extensions = ["PIPELINING", "SIZE 99999999999999999999999", "SIZE 5\x0bMAIL FROM:<x@y>", "8BITMIME"]
    house.start("--ehlo", "us.example\r\nMAIL FROM:<evil@us.example>")
    house.until(house.submit(simple()), "sent")
    words = [c.split() for c in house.smtp.commands]
    assert {w[0] for w in words} <= {"EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT", "NOOP"} and ["EHLO", "localhost"] in words
    assert all("evil" not in c for c in house.smtp.commands)


def test_f85_nothing_is_smuggled(house):  # noqa: F811
    """Proves F85: bare CR, bare LF and lines of dots in a text end no message early and begin none: one message, CRLF alone, read as it was."""
    text = "a\n.\nMAIL FROM:<evil@us.example>\n.\r\nb\r.\rc\r\n.\r\n\n.\n\r.\r\n..\n...\nRSET\n.\n"
    html = "<p>x\n.\r\nDATA\r.\r</p>\n.\n"
    house.start()
    house.until(house.submit(simple(text=text, html=html)), "sent")
    (sender, _, raw), = house.smtp.messages
    assert sender == sender_house.ADDRESS and len([c for c in house.smtp.commands if c.startswith("MAIL")]) == 1
    assert b"\r" not in raw.replace(b"\r\n", b"") and b"\n" not in raw.replace(b"\r\n", b"") and b"\0" not in raw
    plain = read(raw).get_body(("plain",)).get_content()
    assert [line.strip() for line in plain.splitlines()] == [line.strip() for line in re.split("\r\n|\r|\n", text.rstrip("\n"))], plain


def other_account(house, port):  # noqa: F811
    """A second account, with a server of its own."""
    tag = "{a:%s/%s}" % (COMPANY, "ben")
    cred, key = house.tool("seal", house.dir / "keys", COMPANY, "ben", "secret").decode().split()
    config = {"smtp": {"host": "127.0.0.1", "port": port, "security": "tls", "user": "ben@sales.example"}}
    house.redis.hset("{g}:accounts", f"{COMPANY}/ben", GENERATION)
    house.redis.hset(tag + ":acct", mapping={
        "gen": GENERATION, "company": COMPANY, "account": "ben", "user": "u2", "email": "ben@sales.example", "own": b"\x90", "paused": 0,
        "config": sender_house.json.dumps(config), "cred": bytes.fromhex(cred), "key": bytes.fromhex(key), "revision": 1})
    return tag, key


def test_f86_a_server_that_stalls_holds_up_its_own_account_alone(house):  # noqa: F811
    """Proves F86: a server takes nothing of a message any more: meanwhile all others send. (It is given up in test_smtp_faults.py.)"""
    house.smtp.faults = [("body", "stall"), ("body", "stall")]
    (house.dir / "other").mkdir()
    other = ScriptedSmtp(house.dir / "other")
    other.context = house.smtp.context
    tag, key = other_account(house, other.port)
    house.start("--reply_ms", "10m", "--clock.scale", "600")
    stalled = [house.submit(simple(text="x" * 1_000_000)) for _ in range(2)]
    wait(lambda: not house.smtp.faults, "both stall")
    try:
        request = sender_house.json.dumps(simple()).encode()
        ref = house.tool("put", house.dir, COMPANY, "ben", key, GENERATION, "00" * 10, data=request).decode().strip()
        for n in range(20):
            entry = [bytes.fromhex(ref), b"\0" * 10, "u2", 0, 0, "shared", f"{n}@sales.example", GENERATION]
            house.redis.hset(tag + ":o", f"s{n}", msgpack.packb(entry, use_bin_type=False))
            house.redis.zadd(tag + ":od", {f"s{n}": 1})
        wait(lambda: len(other.taken) == 20, lambda: f"{len(other.taken)} {house.logs()}", 60)
        assert house.state(stalled[0])["status"] == house.state(stalled[1])["status"] == "sending", "they stall still"
    finally:
        other.close()
    house.smtp.patient = False
    for submission in stalled:
        assert house.until(submission, "sent", seconds=30)["attempts"] == 2
