"""What comes after a send, on the whole system: bounces, answers and requests to be left alone (SND-11, SND-13), tracking (TRK-01 to TRK-06)."""
import email
import email.policy
import re
import urllib.error
import urllib.request

import pytest

import rig
from test_sending import send, sunk, synced, wait_status

TRACK = "https://track.example"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0"
DSN = """From: MAILER-DAEMON@elsewhere.example\r
To: me\r
Subject: Undelivered Mail\r
Message-ID: <dsn.1@elsewhere.example>\r
Content-Type: multipart/report; report-type=delivery-status; boundary=b\r
\r
--b\r
\r
Sorry.\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; elsewhere.example\r
\r
Final-Recipient: rfc822; gone@elsewhere.example\r
Action: failed\r
Status: 5.1.1\r
--b\r
Content-Type: text/rfc822-headers\r
\r
Message-ID: %s\r
--b--\r
"""


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def follow(world, path, agent=BROWSER, method="GET", data=None):
    """As somebody out there: no token of ours. Status, headers, body."""
    request = urllib.request.Request(world.base + path, data=data, method=method, headers={"User-Agent": agent})
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=10 * rig.SLOW) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


def sent_mail(world, rep, **fields):
    """Its submission, what the server got, and its id once it is in."""
    submission = send(world, rep, **fields)
    wait_status(world, rep, submission, "sent")
    raw = rig.wait(lambda: [r for r in sunk(world) if f"<{submission.partition('~')[2]}.mw@".encode() in r], 20, "the sink has it")[0]
    api = world.user(rep)
    thread = rig.wait(lambda: [t for t in api.get("/v1/threads", folder="sent", limit=20)["data"] if t["subject"] == fields["subject"]], 20, "it is in")[0]
    return submission, email.message_from_bytes(raw, policy=email.policy.default), api.every(f"/v1/threads/{thread['id']}/messages")[0]["id"]


def events(world, rep, name):
    return [e["data"] for e in world.user(rep).get("/v1/events", types=name, limit=200)["data"]]


def bounced(world, rep):
    to = [{"email": "gone@elsewhere.example"}, {"email": "kim@elsewhere.example"}]
    submission, message, sent_id = sent_mail(world, rep, to=to, subject="to who is gone")
    world.deliver(rep, (DSN % message["Message-ID"]).encode())
    event = rig.wait(lambda: events(world, rep, "message.bounced"), 20, "the event")[0]
    assert event["submissionId"] == submission.partition("~")[2] and event["sentMessageId"] == sent_id
    assert event["recipients"] == [{"email": "gone@elsewhere.example", "status": "5.1.1"}]
    status = {r["email"]: r for r in world.user(rep).get(f"/v1/outbox/{submission}")["recipients"]}
    assert status["kim@elsewhere.example"]["status"] == "sent" and "back" not in status["kim@elsewhere.example"]
    gone = status["gone@elsewhere.example"]
    assert gone["status"] == "bounced" and gone["back"]["status"] == "5.1.1" and gone["back"]["messageId"] == event["messageId"]
    entry = world.user(rep).get("/v1/suppressions/gone@elsewhere.example")
    assert entry["reason"] == "bounced" and submission in entry["note"] and entry["by"] is None
    problem = world.user(rep).call("POST", "/v1/messages", 422, json={"accountId": rep, "to": to, "subject": "again", "text": "x"}).json()
    assert problem["code"] == "suppressed_recipient"


def answered(world, rep):
    _, message, _ = sent_mail(world, rep, subject="Question to Kim")
    head = f"From: Kim <kim@elsewhere.example>\r\nTo: me\r\nIn-Reply-To: {message['Message-ID']}\r\n"
    world.deliver(rep, (head + "Subject: Out of office\r\nMessage-ID: <auto.1@elsewhere.example>\r\nAuto-Submitted: auto-replied\r\n\r\nAway\r\n").encode())
    rig.wait(lambda: events(world, rep, "message.auto_replied"), 20, "the event of the machine")
    assert not events(world, rep, "thread.replied")
    world.deliver(rep, (head + "Subject: Re: Question to Kim\r\nMessage-ID: <answer.1@elsewhere.example>\r\n\r\nYes\r\n").encode())
    replied = rig.wait(lambda: events(world, rep, "thread.replied"), 20, "the event of the answer")
    assert len(replied) == 1 and 0 <= replied[0]["answeredAfterMs"] < 120_000 * rig.SLOW


def tracked(world, rep):
    html = '<html><body><p>Hi <a href="https://shop.example/?a=1&amp;b=2">shop</a> <a href="mailto:x@shop.example">x</a></p></body></html>'
    submission, message, sent_id = sent_mail(world, rep, subject="An offer", text=None, html=html, tracking={"opens": True, "clicks": True},
                                             unsubscribe={"ours": True})
    body = message.get_body(("html",)).get_content()
    assert "/t/" not in message.get_body(("plain",)).get_content()  # TRK-02
    pixel, link = re.search(TRACK + r"(/t/o/[\w-]+\.gif)", body)[1], re.search(TRACK + r"(/t/c/[\w-]+)", body)[1]
    assert 'href="mailto:x@shop.example"' in body and "shop.example/?" not in body
    rig.wait(lambda: world.redis().execute_command("TIME")[0] * 1000 > sent_at(world, rep, submission) + 3000, 20, "no scanner is so late", 0.1)
    status, headers, image = follow(world, pixel)
    assert status == 200 and headers["Content-Type"] == "image/gif" and image.startswith(b"GIF89a")
    status, headers, _ = follow(world, link)
    assert status == 302 and headers["Location"] == "https://shop.example/?a=1&b=2"
    changed = link[:-3] + ("AAA" if link[-3:] != "AAA" else "BBB")
    for path in (changed, link.replace("/t/c/", "/t/o/"), "/t/c/x", link + "?u=https://evil.example".replace("?", "x")):
        status, headers, _ = follow(world, path)
        assert status == 404 and headers["Location"] is None, path
    assert follow(world, pixel, "Mozilla/5.0")[0] == 200 and follow(world, pixel, "Barracuda Sentinel")[0] == 200
    assert follow(world, pixel, "", "HEAD")[0] == 200 and follow(world, pixel)[0] == 200
    found = world.user(rep).get(f"/v1/messages/{sent_id}/tracking")
    assert (found["opens"], found["clicks"], found["total"]) == (1, 1, 6), found  # the second open of the same minute is no other
    assert [(h["what"], h["class"]) for h in found["hits"]] == [("opened", "recipient"), ("clicked", "recipient"), ("opened", "privacyProxy"),
                                                                ("opened", "scanner")], found
    assert {h["recipient"] for h in found["hits"]} == {"kim@elsewhere.example"} and all(h["evidence"] for h in found["hits"])
    opened = rig.wait(lambda: [e for e in events(world, rep, "message.opened,message.clicked") if e["class"] == "recipient"], 20, "events")
    assert opened[0]["messageId"] == sent_id and opened[0]["submissionId"] == submission.partition("~")[2]
    company = [e["data"] for e in world.company.get("/v1/events", types="message.opened", limit=50)["data"]]
    assert company and not any("class" in e or "recipient" in e for e in company)  # SHR-06: ids alone
    assert world.user(rep).get(f"/v1/users/{rep}/preferences")["tracking"] == {"opens": True, "clicks": True}  # TRK-01
    return message


def sent_at(world, rep, submission):
    import json
    return json.loads(world.redis().hget(f"{{a:{rig.COMPANY}/{rep}}}:os", submission.partition("~")[2]))["sentAt"]


def unsubscribed(world, rep, message):
    header = str(message["List-Unsubscribe"])
    path = re.search(TRACK + r"(/t/u/[\w-]+)", header.replace(" ", ""))[1]
    assert "mailto:" in header and "?subject=unsubscribe%20" in header.replace(" ", "")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    status, _, page = follow(world, path)
    assert status == 200 and b"<form method=post>" in page
    world.user(rep).call("GET", "/v1/suppressions/kim@elsewhere.example", 404)  # who only looks asks for nothing
    assert follow(world, path, method="POST", data=b"List-Unsubscribe=One-Click")[0] == 200
    entry = rig.wait(lambda: world._quiet(lambda: world.user(rep).get("/v1/suppressions/kim@elsewhere.example")), 20, "on the list")
    assert entry["reason"] == "unsubscribed" and events(world, rep, "message.unsubscribed")
    world.user(rep).call("DELETE", "/v1/suppressions/kim@elsewhere.example", 204)


def not_tracked(world, rep):
    """TRK-01, TRK-02: off unless asked; not in text; not in a first message to a person if the company says so."""
    link = '<a href="https://shop.example/">shop</a>'
    world.user(rep).call("PATCH", f"/v1/users/{rep}/preferences", 200, json={"tracking": {"opens": False, "clicks": False}})
    _, message, sent_id = sent_mail(world, rep, subject="plain", text=None, html=link)
    assert TRACK not in message.as_string() and world.user(rep).get(f"/v1/messages/{sent_id}/tracking")["total"] == 0
    _, message, _ = sent_mail(world, rep, subject="text alone", text="See https://shop.example/\n", tracking={"opens": True, "clicks": True})
    assert TRACK not in message.as_string() and "https://shop.example/" in message.get_content()
    world.company.call("PATCH", "/v1/settings", json={"trackFirstMessage": False})
    _, message, _ = sent_mail(world, rep, subject="first", text=None, html=link, to=[{"email": "new@elsewhere.example"}])
    assert TRACK not in message.as_string()  # the last choice was to track


@pytest.mark.world(messages=10, accounts=1, seed=21)
def test_what_comes_back(world):
    """Proves SND-11, SND-13, F102 and TRK-01 to TRK-06 on the whole system, one after the other."""
    rep = synced(world)
    refused = world.user(rep).call("POST", "/v1/messages", 422, json={
        "accountId": rep, "to": [{"email": "kim@elsewhere.example"}], "subject": "x", "html": "x", "tracking": {"opens": True}}).json()
    assert refused["code"] == "tracking_not_set_up"
    world.company.call("PATCH", "/v1/settings", 400, json={"trackingDomain": "a/b"})
    world.company.call("PATCH", "/v1/settings", 400, json={"ownNetworks": ["nowhere"]})
    world.company.call("PATCH", "/v1/settings", json={"trackingDomain": "track.example"})  # TRK-04
    bounced(world, rep)
    answered(world, rep)
    unsubscribed(world, rep, tracked(world, rep))
    not_tracked(world, rep)
