"""Proves the sender on the real program, a real Redis and an SMTP server that refuses on purpose: SND-01, SND-02, SND-05, SND-06,
SND-08 (retries, the server's words), SND-09, ACC-06. The messages it makes are read by Python's email."""
import base64
import email
import email.header
import hashlib
import os
import time

import msgpack
import pytest

from sender_house import ACCOUNT, ADDRESS, COMPANY, GENERATION, TAG, house, read, simple, wait  # noqa: F401


# What goes out

def test_sent_and_entered(house):  # noqa: F811
    """SND-06, SND-07: sent once; the message, byte for byte, is a blob and a ledger entry, and a command files it in Sent."""
    house.start()
    submission = house.submit(simple(bcc=[{"email": "secret@them.example"}]), message_id="abc.mw@sales.example")
    state = house.until(submission, "sent")
    assert state["attempts"] == 1 and state["filing"] == "queued" and state["serverReply"] == "250 2.0.0 taken as 1"
    assert [(r["email"], r["status"]) for r in state["recipients"]] == [("bo@them.example", "sent"), ("secret@them.example", "sent")]
    assert len(house.smtp.messages) == 1
    sender, recipients, raw = house.smtp.messages[0]
    assert sender == ADDRESS and recipients == ["bo@them.example", "secret@them.example"]
    message = read(raw)
    assert str(message["From"]) == "Anna Älg <anna@sales.example>" and str(message["To"]) == "Bo <bo@them.example>"
    assert message["Bcc"] is None and b"secret@" not in raw
    assert message["Message-ID"] == "<abc.mw@sales.example>" and message["Subject"] == "Hello"
    assert message.get_content() == "Hi Bo,\r\n.\r\n..dots\r\nbye\r\n"
    message_id = hashlib.sha256(b"mailweave message 1\0" + f"{COMPANY}/{ACCOUNT}".encode() + b"\0" + raw).digest()[:10]
    assert house.redis.hkeys(TAG + ":l") == [message_id]
    lane, received, size, blob, place, drives, attempts, entered, name = msgpack.unpackb(house.redis.hget(TAG + ":l", message_id), raw=True)
    assert (lane, size, place, drives, attempts, name.decode()) == (0, len(raw), 9, 0, 0, submission)
    assert abs(received - time.time() * 1000) < 60000 and entered == received
    assert house.tool("get", house.dir, COMPANY, ACCOUNT, house.key, GENERATION, message_id.hex(), blob.hex()) == raw
    assert msgpack.unpackb(house.redis.hget(TAG + ":p", message_id)) == [[], ["$seen"]]
    commands = [fields for _, fields in house.redis.xrange(TAG + ":cmd")]
    assert commands == [{b"kind": b"append", b"submission": submission.encode(), b"blob": blob, b"id": message_id}]
    assert house.journal(submission) == ["sent"] and house.redis.zcard(TAG + ":od") == 0


def test_composed_for_another_parser(house):  # noqa: F811
    """SND-02: alternative, inline image, attachments, names and subjects of any kind come out as they went in."""
    house.start()
    subject = "Grüße, 日本 🎉 " + "lang " * 40 + "ende"
    png, pdf = os.urandom(3000), os.urandom(5000)
    html = '<p>Grüße <b>Bo</b></p><img src="cid:logo@x"><ul><li>eins<li>zwei</ul>' + "<p>" + "wort " * 400 + "</p>"
    request = simple(
        to=[{"name": 'O\'Brien, "Bo" (x)', "email": "bo@them.example"}, {"name": "Ünal " * 20, "email": "u@them.example"}],
        cc=[{"email": "cc@them.example"}], replyTo=[{"name": "Desk", "email": "desk@sales.example"}], subject=subject, html=html, text=None,
        attachments=[{"name": "logo.png", "type": "image/png", "contentId": "logo@x", "content": base64.b64encode(png).decode()},
                     {"name": "Angebot für 日本 – sehr langer Name, der nicht in eine Zeile passt.pdf", "type": "application/pdf",
                      "content": base64.b64encode(pdf).decode()}])
    house.until(house.submit(request), "sent")
    raw = house.smtp.messages[0][2]
    assert all(len(line) <= 998 for line in raw.split(b"\r\n")) and b"\n" not in raw.replace(b"\r\n", b"") and max(raw) < 128
    message = read(raw)
    assert str(message["Subject"]) == subject
    assert [(a.display_name, a.addr_spec) for a in message["To"].addresses][0] == ('O\'Brien, "Bo" (x)', "bo@them.example")
    # its newer parser keeps blanks between encoded words of a name; the older one does as RFC 2047 section 6.2 says
    to = str(email.header.make_header(email.header.decode_header(email.message_from_bytes(raw)["To"])))
    assert to.endswith("Ünal " * 20 + " <u@them.example>"), to
    assert str(message["Cc"]) == "cc@them.example" and str(message["Reply-To"]) == "Desk <desk@sales.example>"
    assert message.get_content_type() == "multipart/mixed"
    related, attached = message.iter_parts()
    assert related.get_content_type() == "multipart/related" and attached.get_content_type() == "application/pdf"
    assert attached.get_filename() == request["attachments"][1]["name"] and attached.get_content() == pdf
    alternative, image = related.iter_parts()
    assert image.get_content() == png and image["Content-ID"] == "<logo@x>" and image.get_content_disposition() == "inline"
    text, rich = alternative.iter_parts()
    assert alternative.get_content_type() == "multipart/alternative" and rich.get_content().rstrip("\r\n") == html
    assert text.get_content().startswith("Grüße Bo") and "- eins" in text.get_content()
    assert message["Message-ID"].endswith("@sales.example>") and message["Date"].datetime


def test_headers_cannot_be_injected(house):  # noqa: F811
    """SND-09, F84: a line break in any header value fails, and nothing reaches the server."""
    house.start()
    bad = [simple(subject="a\r\nBcc: x@y.example"), simple(to=[{"name": "a\nb", "email": "bo@them.example"}]),
           simple(to=[{"email": "bo@them.example\r\nRCPT TO:<x@y.example>"}]), simple(inReplyTo="<a@b>\r\nX: y"),
           simple(attachments=[{"name": "a\r\nX: y", "type": "text/plain", "content": ""}])]
    for request in bad:
        state = house.until(house.submit(request), "failed")
        assert "line break" in state["serverReply"] or "not an address" in state["serverReply"]
    assert house.smtp.messages == [] and house.smtp.connections == 0
    assert "address in From" in house.until(house.submit(simple(**{"from": {"email": "boss@sales.example"}})), "failed")["serverReply"]


def test_an_answer_names_what_it_answers(house):  # noqa: F811
    """SND-01: In-Reply-To and References come from the answered message's blob."""
    raw = b"Message-ID: <one@them.example>\r\nReferences: <zero@us.example>\r\n <half@us.example>\r\nSubject: x\r\n\r\nbody\r\n"
    answered = os.urandom(10)
    ref = house.tool("put", house.dir, COMPANY, ACCOUNT, house.key, GENERATION, answered.hex(), data=raw).decode().strip()
    record = [1, answered, 1, 1, 1, len(raw), bytes.fromhex(ref), 0, [], ["d", "x"], b""]
    house.redis.hset(TAG + ":m", answered, msgpack.packb(record, use_bin_type=False))
    alphabet = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghjkmnpqrstvwxyz")
    public = f"{ACCOUNT}~" + base64.b32encode(answered).decode().translate(alphabet)
    house.start()
    house.until(house.submit(simple(reference={"messageId": public, "action": "reply"})), "sent")
    message = read(house.smtp.messages[0][2])
    assert message["In-Reply-To"] == "<one@them.example>"
    assert message["References"].split() == ["<zero@us.example>", "<half@us.example>", "<one@them.example>"]


def test_starttls_is_never_given_up(house):  # noqa: F811
    """SND-06: a server on the STARTTLS port that offers none gets neither password nor mail."""
    house.smtp.starttls = True
    house.account(security="starttls")
    house.start()
    house.until(house.submit(simple()), "sent")
    assert "STARTTLS" in house.smtp.commands
    house.smtp.context.minimum_version = house.smtp.context.maximum_version
    from scripted_smtp import Connection
    plain, Connection.do_ehlo = Connection.do_ehlo, lambda self, line: self.say("250 scripted")
    try:
        house.account(security="starttls", revision=2)
        before = house.smtp.logins
        state = house.until(house.submit(simple()), "delayed", "failed")
        assert house.smtp.logins == before and len(house.smtp.messages) == 1, state
    finally:
        Connection.do_ehlo = plain


def test_one_connection_for_many(house):  # noqa: F811
    """A connection is used again; ten messages need at most the two that an account may have."""
    house.start()
    submissions = [house.submit(simple(subject=f"n{i}")) for i in range(10)]
    for submission in submissions:
        house.until(submission, "sent")
    assert len(house.smtp.messages) == 10 and house.smtp.connections <= 2
    assert sorted(str(read(raw)["Subject"]) for _, _, raw in house.smtp.messages) == sorted(f"n{i}" for i in range(10))


def test_scheduled_waits(house):  # noqa: F811
    """SND-01: what is due later stays until then."""
    house.start()
    submission = house.submit(simple(), due=int(time.time() * 1000) + 1500)
    time.sleep(0.7)
    assert house.smtp.messages == [] and house.state(submission) == {}
    house.until(submission, "sent")


# What servers refuse

def test_one_recipient_refused(house):  # noqa: F811
    """SND-08: the others get it once, the refused one has the server's words, the whole is sent."""
    house.smtp.rcpt = lambda a: "550 5.1.1 no such user" if a.startswith("no@") else "250 ok"
    house.start()
    submission = house.submit(simple(cc=[{"email": "no@them.example"}]))
    state = house.until(submission, "sent")
    assert {r["email"]: (r["status"], r["serverReply"]) for r in state["recipients"]} == {
        "bo@them.example": ("sent", "250 ok"), "no@them.example": ("failed", "550 5.1.1 no such user")}
    assert house.smtp.messages[0][1] == ["bo@them.example"]


def test_refused_for_good(house):  # noqa: F811
    """SND-08: 5xx to MAIL, to all recipients, to DATA and to the message itself fails with the words, at once."""
    house.start()
    for name, value, words in (("rcpt", lambda a: "550 5.1.1 no such user", "550 5.1.1 no such user"), ("mail", "553 5.7.1 not you", "553 5.7.1 not you"),
                               ("data", "554 5.7.0 no", "554 5.7.0 no"), ("final", "554 5.7.1 spam", "554 5.7.1 spam")):
        kept = getattr(house.smtp, name)
        setattr(house.smtp, name, value)
        submission = house.submit(simple())
        state = house.until(submission, "failed")
        assert state["serverReply"] == words and state["attempts"] == 1 and state["recipients"][0]["status"] == "failed"
        assert house.journal(submission) == ["failed"]
        setattr(house.smtp, name, kept)
    assert house.redis.hlen(TAG + ":l") == 0 and house.redis.zcard(TAG + ":od") == 0


@pytest.mark.parametrize("where", ["rcpt", "mail", "data", "final"])
def test_refused_for_now(house, where):  # noqa: F811
    """SND-08: 4xx, to the message itself too, is tried again later with the same Message-ID and the same bytes."""
    words = "451 4.7.1 greylisted"
    kept = getattr(house.smtp, where)
    setattr(house.smtp, where, (lambda a: words) if where == "rcpt" else words)
    house.start("--clock.scale", "60")
    submission = house.submit(simple())
    state = house.until(submission, "delayed")
    assert state["serverReply"] == words and state["nextAttemptAt"] > time.time() * 1000 - 5000
    assert house.redis.zcard(TAG + ":od") == 1
    setattr(house.smtp, where, kept)
    state = house.until(submission, "sent")
    assert state["attempts"] >= 2 and house.journal(submission)[0] == "delayed" and house.journal(submission)[-1] == "sent"
    assert len({raw for _, _, raw in house.smtp.messages}) == 1
    assert "nextAttemptAt" not in state


def test_some_now_some_later(house):  # noqa: F811
    """SND-08: who was refused for now is tried again alone; nobody gets a second copy; the pipeline has it once."""
    house.smtp.rcpt = lambda a: "450 4.2.2 later" if a.startswith("late@") else "250 ok"
    house.start("--clock.scale", "60")
    submission = house.submit(simple(cc=[{"email": "late@them.example"}]))
    state = house.until(submission, "delayed")
    assert {r["email"]: r["status"] for r in state["recipients"]} == {"bo@them.example": "sent", "late@them.example": "delayed"}
    assert house.redis.hlen(TAG + ":l") == 1
    house.smtp.rcpt = lambda a: "250 ok"
    house.until(submission, "sent")
    assert [to for _, to, _ in house.smtp.messages] == [["bo@them.example"], ["late@them.example"]]
    assert house.redis.hlen(TAG + ":l") == 1 and house.redis.xlen(TAG + ":cmd") == 1


def test_gives_up_in_the_end(house):  # noqa: F811
    """SND-08: after five days (here divided) the last temporary refusal is the reason it failed."""
    house.smtp.mail = "421 4.3.2 not now"
    house.start("--clock.scale", "200000")
    submission = house.submit(simple())
    state = house.until(submission, "failed")
    assert state["serverReply"] == "421 4.3.2 not now" and state["attempts"] > 2 and house.smtp.messages == []


def test_too_large_and_beyond_ascii(house):  # noqa: F811
    """SND-05, F82: the server's SIZE is asked before anything is sent; SMTPUTF8 addresses need a server that takes them."""
    house.smtp.extensions = ["PIPELINING", "SIZE 1000"]
    house.start()
    assert "at most 1000" in house.until(house.submit(simple(text="x" * 2000)), "failed")["serverReply"]
    assert "SMTPUTF8" in house.until(house.submit(simple(to=[{"email": "bø@them.example"}])), "failed")["serverReply"]
    house.until(house.submit(simple()), "sent")
    assert len(house.smtp.messages) == 1
    house.smtp.extensions = ["8BITMIME", "SMTPUTF8"]
    house.account(revision=2)
    house.until(house.submit(simple(to=[{"email": "bø@them.example"}, {"email": "b@them.example"}])), "sent")
    assert any(c.endswith("BODY=8BITMIME SMTPUTF8") for c in house.smtp.commands)


def test_credentials_refused(house):  # noqa: F811
    """ACC-06: one refused login, then no more until the account changes; paused accounts and lost ones send nothing."""
    house.smtp.password = "another"
    house.start()
    state = house.until(house.submit(simple()), "failed")
    assert state["serverReply"].startswith("wrong_credentials") and house.smtp.logins >= 1
    logins = house.smtp.logins
    for _ in range(3):
        assert house.until(house.submit(simple()), "failed")["serverReply"].startswith("wrong_credentials")
    assert house.smtp.logins == logins
    house.smtp.password = "secret"
    house.account(revision=2)
    house.redis.delete(TAG + ":lg")  # as the gateway does with new credentials
    house.until(house.submit(simple()), "sent")
    house.account(paused=1)
    assert "paused" in house.until(house.submit(simple()), "failed")["serverReply"]
    house.account(paused=0)
    house.redis.hset(TAG + ":st", "state", "authenticationError")
    assert "credentials" in house.until(house.submit(simple()), "failed")["serverReply"]


def test_no_server(house):  # noqa: F811
    """SND-08: a server that is not there delays; an account erased meanwhile takes its entries along."""
    house.smtp.close()
    house.start("--clock.scale", "60")
    submission = house.submit(simple())
    state = house.until(submission, "delayed")
    assert state["serverReply"].startswith("connection_refused")
    house.redis.hset(TAG + ":acct", "gen", GENERATION + 1)
    wait(lambda: house.redis.zcard(TAG + ":od") == 0, "taken off")
    assert house.journal(submission)[-1] == "delayed"


def test_snd12_copies_have_much_in_common(house):  # noqa: F811
    """Proves SND-12: what all copies share lies in one blob; each copy has its own address, text and Message-ID; what a copy says goes before."""
    pdf = os.urandom(3000)
    shared = house.put({"subject": "Offer", "text": "for all", "html": "<p>for all</p>",
                        "attachments": [{"name": "a.pdf", "type": "application/pdf", "content": base64.b64encode(pdf).decode()}]})
    house.start()
    copies = [house.submit({"to": [{"email": f"p{n}@them.example"}], "text": f"for p{n}"}, bulk=True, shared=shared, message_id=f"c{n}@sales.example")
              for n in range(5)]
    for submission in copies:
        house.until(submission, "sent")
    assert sorted(to for _, to, _ in house.smtp.messages) == [[f"p{n}@them.example"] for n in range(5)]
    for _, (to,), raw in house.smtp.messages:
        message, n = read(raw), to[1]
        assert str(message["To"]) == to and message["Message-ID"] == f"<c{n}@sales.example>" and message["Subject"] == "Offer"
        assert message.get_body(("plain",)).get_content().strip() == f"for p{n}" and "for all" in message.get_body(("html",)).get_content()
        assert [a.get_content() for a in message.iter_attachments()] == [pdf]
    house.redis.hset(TAG + ":o", "broken", house.redis.hget(TAG + ":o", copies[0]).replace(shared[1], b"\0" * 10))
    house.redis.zadd(TAG + ":odb", {"broken": 1})
    assert house.until("broken", "failed")["status"] == "failed" and len(house.smtp.messages) == 5
