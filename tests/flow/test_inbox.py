"""Proves INB-02 on the whole pipeline: a thread shows with its messages, quoted text apart, HTML that can neither run nor load nor submit
anything unless asked, and its images by Content-ID."""
import pytest

import rig

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


def message(name, html, refs=""):
    return (f"From: Frida <frida@elsewhere.example>\r\nTo: me\r\nSubject: inbox\r\nDate: Mon, 01 Sep 2025 10:00:00 +0000\r\n"
            f"Message-ID: <{name}@elsewhere.example>\r\n{refs}MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n"
            f"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--b\r\nContent-Type: image/png; name=logo.png\r\n"
            f"Content-Disposition: inline\r\nContent-ID: <logo@elsewhere>\r\nContent-Transfer-Encoding: base64\r\n\r\n{PIXEL}\r\n--b--\r\n").encode()


@pytest.mark.world(messages=10, accounts=1, seed=5)
def test_inb_02_a_thread_with_its_messages_safe_and_whole(world):
    world.add_accounts()
    world.wait_synced(60)
    rep = world.ledger["reps"][0]["id"]
    api = world.user(rep)
    world.deliver(rep, message("first", "<p>Hello</p>"))
    world.deliver(rep, message("second", "<p onclick='x()'>New <b>words</b></p><script>alert(1)</script><form action='https://e.example'><input name=a></form>"
                                         "<img src='cid:logo@elsewhere'><img src='https://t.example/p.gif'>"
                                         "<blockquote type='cite'>old words</blockquote>", "In-Reply-To: <first@elsewhere.example>\r\n"))

    def whole():
        found = [t for t in api.every("/v1/threads") if t["subject"] == "inbox"]
        return found[0] if len(found) == 1 and found[0]["messageCount"] == 2 else None
    thread = rig.wait(whole, 30, "both messages in one thread\n" + world.last_words())
    newest, oldest = api.get(f"/v1/threads/{thread['id']}/messages")["data"]
    assert [m["messageId"] for m in (newest, oldest)] == [["second@elsewhere.example"], ["first@elsewhere.example"]]
    body = api.get(f"/v1/messages/{newest['id']}/body")
    html = body["html"]
    assert "<b>words</b>" in html and '<div class="mw-quoted"><blockquote>old words' in html and "old words" in body["text"]
    assert '<img src="cid:logo@elsewhere">' in html  # the image that the message brings along, and where its bytes are:
    (part,) = [a for a in api.get(f"/v1/messages/{newest['id']}")["attachments"] if a["cid"] == "logo@elsewhere"]
    assert api.call("GET", f"/v1/messages/{newest['id']}/attachments/{part['partId']}", 200).content.startswith(b"\x89PNG")
    # What it may not do; and what it may only if asked.
    for word in ("<script", "alert(", "onclick", "<form", "<input", "t.example"):
        assert word not in html, word
    asked = api.get(f"/v1/messages/{newest['id']}/body", remote=1)["html"]
    assert "https://t.example/p.gif" in asked and "<script" not in asked and "<form" not in asked
    api.call("GET", f"/v1/messages/{rep}~zzzzzzzzzzzzzzzz/body", 404)
