"""Sending from the API to the mail server and back through the stages: SND-01, SND-06, SND-07. Real Dovecot submission over TLS, relayed
to a sink; what is filed in Sent comes in again and is the same message."""
import email
import email.policy
import signal
import time

import pytest

import rig


def synced(world):
    """The one account, connected and read."""
    world.add_accounts()
    rep = world.ledger["reps"][0]["id"]
    rig.wait(lambda: world._quiet(lambda: world.synced(rep)), 60, "synced", 0.1)
    return rep


def sunk(world):
    """What the sink got, as it lies in its files."""
    return [path.read_bytes() for path in sorted(world.server.sent.iterdir()) if path.is_file()]


def send(world, rep, **fields):
    request = {"accountId": rep, "to": [{"name": "Kim", "email": "kim@elsewhere.example"}], "subject": "Offer", "text": "Here it is.\n"}
    request.update(fields)
    request = {name: value for name, value in request.items() if value is not None}
    return world.user(rep).call("POST", "/v1/messages", 202, json=request).json()["id"]


def outbox(world, rep, submission):
    return world.user(rep).get(f"/v1/outbox/{submission}")


def wait_status(world, rep, submission, *statuses, seconds=20):
    return rig.wait(lambda: (lambda o: o if o["status"] in statuses else None)(outbox(world, rep, submission)), seconds, f"{submission} {statuses}", 0.05)


def sent_folder(world, rep):
    connection = world.imap(rep)
    connection.select("Sent", readonly=True)
    _, data = connection.search(None, "ALL")
    raws = [connection.fetch(n, "(BODY.PEEK[])")[1][0][1] for n in data[0].split()]
    connection.logout()
    return raws


@pytest.mark.world(messages=20, accounts=1, seed=11, settings=("sender:sweep_ms=60s",))  # the bell alone brings it in time
def test_snd06_sent_filed_and_one_message(world, remember):
    """Proves SND-06: taken up when it is queued; sent through the account's server; one copy in Sent; one message in the mailbox, in its own new thread, at once. SHR-04:
    with the sharing that was chosen before."""
    rep = synced(world)
    api, filed = world.user(rep), len(sent_folder(world, rep))
    start = time.monotonic()
    submission = send(world, rep, html="<p>Here it is, <b>Kim</b>.</p>", text=None, bcc=[{"email": "quiet@elsewhere.example"}], subject="Größe 42",
                      sharing="private")
    state = wait_status(world, rep, submission, "sent", "failed")
    took = time.monotonic() - start
    assert state["status"] == "sent" and state["filing"] in ("queued", "filed") and {r["status"] for r in state["recipients"]} == {"sent"}, state
    found = rig.wait(lambda: [t for t in api.get("/v1/threads", folder="sent", limit=5)["data"] if t["subject"] == "Größe 42"], 20, "the thread")
    assert found[0]["sharing"] == "private"
    remember(f"sending: POST to sent {took * 1000:.0f} ms")
    rig.wait(lambda: len(sent_folder(world, rep)) == filed + 1, 20, "filed in Sent")
    rig.wait(lambda: outbox(world, rep, submission)["filing"] == "filed", 20, "and the outbox says so")
    rig.wait(lambda: api.every(f"/v1/threads/{found[0]['id']}/messages")[0]["mailboxIds"], 20, "what was filed came in again")
    time.sleep(1)  # and nothing more comes
    messages = api.every(f"/v1/threads/{found[0]['id']}/messages")
    assert len(messages) == 1 and messages[0]["keywords"].get("$seen") and len(messages[0]["mailboxIds"]) == 1, messages
    raw = sent_folder(world, rep)[-1]
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message["Message-ID"].strip("<>") in messages[0]["messageId"] and message["Bcc"] is None
    assert len([s for s in sunk(world) if message["Message-ID"].encode() in s]) >= 1
    assert len(sent_folder(world, rep)) == filed + 1
    assert api.call("GET", f"/v1/messages/{messages[0]['id']}/raw").content == raw


@pytest.mark.world(messages=10, accounts=1, seed=15)
def test_snd06_filed_once_if_it_is_there_already(world):
    """Proves SND-06, F83: what the server has under our Message-ID, by its own filing or by an APPEND whose answer never came, is not filed again."""
    rep = synced(world)
    with world.standing("fetcher-1"):
        submission = send(world, rep, subject="there already")
        wait_status(world, rep, submission, "sent")
        message = email.message_from_bytes(sunk(world)[-1], policy=email.policy.default)
        world.append(rep, "Sent", f"Message-ID: {message['Message-ID']}\r\nSubject: there already\r\n\r\nAs the server keeps it.\r\n".encode())
    rig.wait(lambda: outbox(world, rep, submission)["filing"] == "filed", 30, "the copy is known")
    assert len([raw for raw in sent_folder(world, rep) if b"there already" in raw]) == 1


@pytest.mark.world(messages=20, accounts=1, seed=12)
def test_snd01_an_answer_joins_its_thread(world):
    """Proves SND-01, THR-02: an answer to a received message lands in that message's thread, and so does what is forwarded; also if the message
    has no Message-ID of its own."""
    rep = synced(world)
    api = world.user(rep)
    world.deliver(rep, b"From: Kim <kim@elsewhere.example>\r\nTo: me\r\nSubject: Question\r\nDate: Mon, 01 Sep 2025 10:00:00 +0000\r\n"
                       b"Message-ID: <q.1@elsewhere.example>\r\n\r\nHow much?\r\n")
    thread = rig.wait(lambda: [t for t in api.get("/v1/threads", limit=5)["data"] if t["subject"] == "Question"], 20, "the question")[0]
    question = api.every(f"/v1/threads/{thread['id']}/messages")[0]
    submission = send(world, rep, subject="Re: Question", reference={"messageId": question["id"], "action": "reply"})
    wait_status(world, rep, submission, "sent")
    rig.wait(lambda: len(api.every(f"/v1/threads/{thread['id']}/messages")) == 2, 20, "the answer in the thread")
    forwarded = send(world, rep, subject="Fwd: Question", reference={"messageId": question["id"], "action": "forward"})
    wait_status(world, rep, forwarded, "sent")
    rig.wait(lambda: len(api.every(f"/v1/threads/{thread['id']}/messages")) == 3, 20, "what was forwarded in the thread")
    world.deliver(rep, b"From: Kim <kim@elsewhere.example>\r\nTo: me\r\nSubject: Nameless\r\nDate: Mon, 01 Sep 2025 10:00:00 +0000\r\n\r\nWell?\r\n")
    nameless = rig.wait(lambda: [t for t in api.get("/v1/threads", limit=5)["data"] if t["subject"] == "Nameless"], 20, "the nameless one")[0]
    without = api.every(f"/v1/threads/{nameless['id']}/messages")[0]
    wait_status(world, rep, send(world, rep, subject="Re: Nameless", reference={"messageId": without["id"], "action": "reply"}), "sent")
    rig.wait(lambda: len(api.every(f"/v1/threads/{nameless['id']}/messages")) == 2, 20, "the answer in the nameless one's thread")


@pytest.mark.world(messages=10, accounts=1, seed=13)
def test_snd01_scheduled_and_cancelled(world):
    """Proves SND-01: what is scheduled can be cancelled before it goes, and then does not go."""
    rep = synced(world)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    kept, gone = send(world, rep, sendAt=at, subject="kept"), send(world, rep, sendAt=at, subject="gone")
    assert outbox(world, rep, gone)["status"] == "scheduled"
    assert world.user(rep).call("DELETE", f"/v1/outbox/{gone}").json()["status"] == "cancelled"
    wait_status(world, rep, kept, "sent")
    time.sleep(1)
    assert outbox(world, rep, gone)["status"] == "cancelled"
    assert not any(b"Subject: gone" in raw for raw in sunk(world)) and any(b"Subject: kept" in raw for raw in sunk(world))


@pytest.mark.world(messages=10, accounts=1, seed=14,
                   settings=("sender:lease_ms=1s", "sender:connect_ms=2s", "sender:clock.scale=3600"))  # an hour of looking is 1 s
def test_snd07_killed_while_sending(world):
    """Proves SND-07: kill -9 of the sender again and again; each message leaves at most once, and all that is `sent` left. A login that died
    with its process counts as under way for connect_ms."""
    rep = synced(world)
    submissions = {}
    for number in range(24):
        submissions[send(world, rep, subject=f"storm {number:02}")] = f"storm {number:02}"
        if number % 4 == 3:
            time.sleep(0.05 * (number % 7))
            dead = world.kill("sender-1", signal.SIGKILL)
            rig.wait(lambda dead=dead: world._quiet(lambda: world.pid("sender-1") != dead and rig.alive(world.pid("sender-1"))), 20, "the sender is back")
    states = {submission: wait_status(world, rep, submission, "sent", "unknown", seconds=60) for submission in submissions}
    for submission, subject in submissions.items():
        copies = sum(f"Subject: {subject}\n".encode() in raw.replace(b"\r\n", b"\n") for raw in sunk(world))
        assert copies <= 1 and (copies == 1 or states[submission]["status"] != "sent"), (subject, copies, states[submission])


@pytest.mark.world(messages=10, accounts=1, seed=16)
def test_snd03_fields_go_out_filled_in(world):
    """Proves SND-03: what goes out has the values of the recipient, the deal, the user and the request, escaped in HTML; the quoted original stays as it is."""
    rep = synced(world)
    api, company = world.user(rep), world.company
    company.call("PUT", "/v1/organizations/o1", json={"name": "Tea & Co"})
    company.call("PUT", "/v1/people/kim", json={"name": "Kim Lee", "firstName": "Kim", "emails": ["kim@elsewhere.example"], "organizationId": "o1",
                                                "fields": {"city": "Köln", "empty": "", "points": 7, "note": "<b>'\nx"}})
    company.call("PUT", "/v1/deals/tea", json={"title": "Green tea", "fields": {"price": 12.5}})
    world.deliver(rep, b"From: Kim <kim@elsewhere.example>\r\nTo: me\r\nSubject: Braces\r\nMessage-ID: <braces.1@elsewhere.example>\r\n\r\nHi {{nobody.knows}}\r\n")
    thread = rig.wait(lambda: [t for t in api.get("/v1/threads", limit=5)["data"] if t["subject"] == "Braces"], 20, "the question")[0]
    question = api.every(f"/v1/threads/{thread['id']}/messages")[0]["id"]
    name = next(r["name"] for r in world.ledger["reps"] if r["id"] == rep)
    text = ("Hi {{person.first_name}} {{person.last_name|Lee}}, {{person.city}} {{person.points}} {{organization.name}}: {{deal.title}} {{deal.price}} "
            "{{offer.until}} {{user.name}} {{recipient.name}} {{#if person.empty}}never {{nobody.knows}}{{else}}fine{{/if}}")
    submission = send(world, rep, text=text, html="<p title='{{person.note}}'>{{organization.name}} {{person.note}}</p>", subject="{{deal.title}} for {{person.name}}",
                      fields={"dealId": "tea", "offer.until": "Friday", "person": {"city": "Bonn"}},
                      reference={"messageId": question, "action": "reply", "inline": True})
    wait_status(world, rep, submission, "sent")
    mails = [email.message_from_bytes(raw, policy=email.policy.default) for raw in sunk(world)]
    mail = [m for m in mails if m["Message-ID"].startswith(f"<{submission.split('~')[1]}.")][0]
    assert mail["Subject"] == "Green tea for Kim Lee"
    plain, html = mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()
    assert " ".join(plain.split()).startswith(f"Hi Kim Lee, Bonn 7 Tea & Co: Green tea 12.5 Friday {name} Kim fine"), plain
    assert "> Hi {{nobody.knows}}" in plain
    assert "<p title='&lt;b&gt;&#39; x'>Tea &amp; Co &lt;b&gt;&#39;<br>x</p>" in html.replace("\r\n", "\n"), html


@pytest.mark.world(messages=10, accounts=1, seed=17)
def test_snd12_one_message_to_many_separately(world):
    """Proves SND-12: one copy each, with its own Message-ID, fields and tracking; all or none are queued; answers never meet in one thread."""
    rep = synced(world)
    api, people = world.user(rep), ["kim", "lee", "max"]
    world.company.call("PATCH", "/v1/settings", json={"trackingDomain": "track.example"})
    for name in people:
        world.company.call("PUT", f"/v1/people/{name}", json={"name": name.title() + " X", "firstName": name.title(), "emails": [f"{name}@elsewhere.example"]})
    to = [{"name": n, "email": f"{n}@elsewhere.example"} for n in people]
    request = {"accountId": rep, "separate": True, "to": to, "subject": "For {{person.first_name}}",
               "html": '<p>Hi {{person.first_name}} <a href="https://shop.example/">shop</a></p>', "tracking": {"opens": True, "clicks": True},
               "attachments": [{"name": "a.pdf", "type": "application/pdf", "content": "JVBERi0xLjQK"}]}
    before = world.redis().hlen(f"{{a:{rep_key(rep)}}}:o")
    for wrong, code in (({"cc": to[:1]}, "invalid_separate"), ({"to": to + [{"email": "no body@x"}], "subject": "x", "html": "x"}, "invalid_recipient"),
                        ({"to": []}, "no_recipient"), ({"subject": "{{person.nothing}}"}, "unresolved_field")):
        assert api.call("POST", "/v1/messages", 422, json={**request, **wrong}).json()["code"] == code
    assert world.redis().hlen(f"{{a:{rep_key(rep)}}}:o") == before, "none"
    answer = api.call("POST", "/v1/messages", 202, json=request).json()
    assert [c["to"]["email"] for c in answer["copies"]] == [a["email"] for a in to] and answer["id"] == answer["copies"][0]["id"]
    assert len({c["id"] for c in answer["copies"]}) == 3
    for copy in answer["copies"]:
        state = wait_status(world, rep, copy["id"], "sent")
        assert state["bulk"] and [r["email"] for r in state["recipients"]] == [copy["to"]["email"]]
    mails = [email.message_from_bytes(raw, policy=email.policy.default) for raw in sunk(world) if b"Subject: For " in raw]
    assert sorted(m["Subject"] for m in mails) == ["For Kim", "For Lee", "For Max"] and len({m["Message-ID"] for m in mails}) == 3
    links = set()
    for mail in mails:
        name = mail["Subject"].split()[1]
        assert mail["To"].addresses[0].addr_spec == name.lower() + "@elsewhere.example" and mail["Cc"] is None
        html = mail.get_body(("html",)).get_content()
        assert f"Hi {name} " in html and [a.get_filename() for a in mail.iter_attachments()] == ["a.pdf"]
        links |= {word for word in html.split('"') if "/t/c/" in word}
        world.deliver(rep, f"From: {name} <{name}@elsewhere.example>\r\nTo: me\r\nSubject: Re: x\r\nIn-Reply-To: {mail['Message-ID']}\r\n"
                           f"Message-ID: <{name}.answer@elsewhere.example>\r\n\r\nyes\r\n".encode())
    assert len(links) == 3
    threads = rig.wait(lambda: (lambda t: t if [x["messageCount"] for x in t] == [2, 2, 2] else None)(
        [t for t in api.get("/v1/threads", limit=20)["data"] if t["subject"].startswith("For ")]), 20, "each answer in its own thread")
    assert len({t["id"] for t in threads}) == 3


def rep_key(rep):
    return f"{rig.COMPANY}/{rep}"


ORIGINAL = b"""From: Kim <kim@elsewhere.example>\r
To: me <rep@sales.example>, Lee <lee@elsewhere.example>\r
Cc: Max <max@elsewhere.example>\r
Subject: Plans\r
Date: Mon, 01 Sep 2025 10:00:00 +0000\r
Message-ID: <plans.1@elsewhere.example>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=m\r
\r
--m\r
Content-Type: multipart/related; boundary=r\r
\r
--r\r
Content-Type: text/html; charset=utf-8\r
\r
<p>See the <b>plan</b>:</p><script>x()</script><img src="cid:plan@elsewhere">\r
--r\r
Content-Type: image/png; name=plan.png\r
Content-ID: <plan@elsewhere>\r
Content-Disposition: inline; filename=plan.png\r
Content-Transfer-Encoding: base64\r
\r
iVBORw0KGgo=\r
--r--\r
--m\r
Content-Type: application/pdf; name="=?utf-8?Q?Gr=C3=BC=C3=9Fe.pdf?="\r
Content-Disposition: attachment\r
Content-Transfer-Encoding: base64\r
\r
JVBERi0xLjQK\r
--m--\r
"""


@pytest.mark.world(messages=10, accounts=1, seed=15)
def test_snd01_answered_and_forwarded_with_the_original(world):
    """Proves SND-01, SND-02: who an answer goes to, the quoted original with the images it shows; a forward takes the attachments along; a
    part of stored mail is attached by its blobId. The mail that goes out is read by Python."""
    rep = synced(world)
    api = world.user(rep)
    world.deliver(rep, ORIGINAL)
    thread = rig.wait(lambda: [t for t in api.get("/v1/threads", limit=5)["data"] if t["subject"] == "Plans"], 20, "the plans")[0]
    original = api.every(f"/v1/threads/{thread['id']}/messages")[0]["id"]

    def sent(**fields):
        before = len(sunk(world))
        submission = send(world, rep, subject=None, **{"to": None, **fields})
        wait_status(world, rep, submission, "sent")
        rig.wait(lambda: len(sunk(world)) > before, 20, "in the sink")
        mails = [email.message_from_bytes(raw, policy=email.policy.default) for raw in sunk(world)]
        return [m for m in mails if m["Message-ID"].startswith(f"<{submission.split('~')[1]}.")][0]

    def attached(message):
        return {p.get_filename(): (p.get_payload(decode=True), p["Content-ID"]) for p in message.walk() if p.get_content_disposition()}
    plain = sent(text="Thanks!\n", reference={"messageId": original, "action": "reply"})
    assert plain["To"] == "Kim <kim@elsewhere.example>" and plain["Subject"] == "Re: Plans" and plain.get_content().rstrip() == "Thanks!"
    answer = sent(text=None, html="<p>Nice.</p>", reference={"messageId": original, "action": "replyAll", "inline": True})
    assert answer["In-Reply-To"] == "<plans.1@elsewhere.example>" and {a.addr_spec for a in answer["To"].addresses} == {"kim@elsewhere.example"}
    assert {"lee@elsewhere.example", "max@elsewhere.example"} <= {a.addr_spec for a in answer["Cc"].addresses}
    html = answer.get_body(("html",)).get_content()
    assert html.startswith("<p>Nice.</p>") and "<b>plan</b>" in html and "<blockquote" in html and "script" not in html
    assert "On 2025-09-01 10:00, Kim &lt;kim@elsewhere.example&gt; wrote:" in html
    assert attached(answer) == {"plan.png": (b"\x89PNG\r\n\x1a\n", "<plan@elsewhere>")} and answer.get_content_type() == "multipart/related"
    forward = sent(to=[{"email": "other@elsewhere.example"}], text="For you.\n", reference={"messageId": original, "action": "forward"})
    assert forward["Subject"] == "Fwd: Plans" and forward["In-Reply-To"] is None and "plans.1@elsewhere.example" in forward["References"]
    assert attached(forward) == {"plan.png": (b"\x89PNG\r\n\x1a\n", "<plan@elsewhere>"), "Grüße.pdf": (b"%PDF-1.4\n", None)}
    text = forward.get_body(("plain",)).get_content()
    assert text.startswith("For you.\n") and "From: Kim <kim@elsewhere.example>" in text and "See the plan" in text
    assert "For you." in forward.get_body(("html",)).get_content() and "<b>plan</b>" in forward.get_body(("html",)).get_content()
    part = [a for a in api.get(f"/v1/messages/{original}")["attachments"] if a["type"] == "application/pdf"][0]["partId"]
    again = sent(to=[{"email": "other@elsewhere.example"}], attachments=[
        {"name": "p.pdf", "type": "application/pdf", "blobId": f"{original}/{part}"}, {"name": "m.eml", "type": "message/rfc822", "blobId": original}])
    assert attached(again)["p.pdf"][0] == b"%PDF-1.4\n"
    whole = [p for p in again.iter_attachments() if p.get_filename() == "m.eml"][0]
    assert whole.get_content_type() == "message/rfc822" and whole.get_content()["Message-ID"] == "<plans.1@elsewhere.example>"
    for blob, status, code in ((f"{original}/99", 422, "unknown_reference"), (f"{rep}~zzzzzzzzzzzzzzzz", 422, "unknown_reference")):
        api.call("POST", "/v1/messages/check", status, json={"accountId": rep, "to": [{"email": "a@b.example"}], "text": "x", "attachments": [
            {"name": "a", "type": "a/b", "blobId": blob}]})
