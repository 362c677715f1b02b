"""The composer by itself (`sender --compose`): what was put in is what two other readers get out, our parser and Python's email (SND-02),
and no header is made that was not asked for (SND-09)."""
import base64
import email
import email.header
import email.policy
import email.utils
import json
import os
import pathlib
import random
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MAILWEAVE_BUILD", ROOT / "build" / "plain"))
WORDS = ["offer", "Grüße", "Ärger", "日本語のメール", "שלום", "مرحبا", "naïve", "🙂", "a", "=?x?=", "x=y", "Привет", "(round)", "semi;colon", "quote\"d",
         "back\\slash", "co,mma", "tab\there", "e\u0301", "<angle>", "it's", "100%", "\u202eodd", "-", "--"]
FIELDS = {"date", "from", "reply-to", "to", "cc", "subject", "message-id", "x-sent-message-id", "in-reply-to", "references", "list-unsubscribe", "list-unsubscribe-post",
          "mime-version", "content-type", "content-transfer-encoding"}


def compose(requests):
    """The composed bytes of each, or the refusal as text."""
    data = "".join(json.dumps(r) + "\n" for r in requests).encode()
    out = subprocess.run([BUILD / "sender/sender", "--compose", "-"], input=data, capture_output=True, check=True).stdout
    results, at = [], 0
    while at < len(out):
        end = out.index(b"\n", at)
        head, at = out[at:end].decode(), end + 1
        if head.startswith("-"):
            results.append(head[2:])
        else:
            results.append(out[at:at + int(head)])
            at += int(head)
    assert len(results) == len(requests)
    return results


def parse(raws, where):
    paths = []
    for i, raw in enumerate(raws):
        paths.append(where / f"{i}.eml")
        paths[-1].write_bytes(raw)
    out = subprocess.run([BUILD / "parser/parser", "--json", *paths], capture_output=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def unflow(text):
    """RFC 3676 section 4.2, for a text whose lines end with LF: what a reader that knows format=flowed makes of it."""
    lines, open_line = [], False
    for line in text.split("\n"):
        line = line[1:] if line.startswith(" ") else line
        if open_line:
            lines[-1] += line
        else:
            lines.append(line)
        open_line = line.endswith(" ") and line != "-- "
    return "\n".join(lines)


def words(rng, most, joint=" "):
    return joint.join(rng.choice(WORDS) for _ in range(rng.randint(1, most)))


def address(rng):
    name = words(rng, 4).replace("\t", " ") if rng.random() < 0.7 else ""
    return {"name": name.strip(), "email": f"{rng.choice(['bo', 'a.b', 'x+tag', 'o_o'])}{rng.randint(0, 999)}@{rng.choice(['x.example', 'mail.y.example'])}"}


def text(rng):
    lines = ["".join(words(rng, rng.choice([3, 8, 60]))) for _ in range(rng.randint(1, 9))]
    lines += rng.choice([[], ["> quoted " + words(rng, 40)], [" leading"], ["From here on"], ["-- ", "Anna"], [".", "..dots"], [""]])
    return "\n".join(lines) + "\n"


def attachment(rng, content_id=None):
    content = rng.randbytes(rng.choice([0, 1, 56, 57, 58, 3000]))
    a = {"name": words(rng, 3).replace("\t", " ").strip() + ".bin", "type": rng.choice(["application/pdf", "image/png", "text/plain", "text/html"]),
         "content": base64.b64encode(content).decode()}
    return {**a, "contentId": content_id} if content_id else a


def request(rng):
    r = {"from": address(rng), "subject": words(rng, 12).replace("\t", " ").strip(), "messageId": f"m{rng.randint(0, 10**9)}@us.example",
         "to": [address(rng) for _ in range(rng.randint(1, 12))], "cc": [address(rng) for _ in range(rng.randint(0, 3))]}
    if rng.random() < 0.8:
        r["text"] = text(rng)
    if "text" not in r or rng.random() < 0.5:
        r["html"] = "<p>" + "</p>\n<p>".join(text(rng).replace("<", "&lt;") for _ in range(3)) + "</p>"
    images = [f"image{i}@us.example" for i in range(rng.randint(0, 2))] if "html" in r else []
    if images:
        r["html"] += "".join(f'<img src="cid:{i}">' for i in images)
    r["attachments"] = [attachment(rng, i) for i in images] + [attachment(rng) for _ in range(rng.randint(0, 2))]
    if rng.random() < 0.3:
        r["inReplyTo"] = "<was@x.example>"
        r["references"] = [f"<r{i}.{'y' * 40}@x.example>" for i in range(rng.randint(1, 30))]
    if rng.random() < 0.2:
        r["unsubscribe"] = {"url": "https://us.example/u/" + "t" * rng.randint(1, 200), "email": "leave@us.example"}
    return r


def expected_text(given):
    """Blanks at the ends of lines are not part of a flowed text, the signature's dashes excepted."""
    return "\n".join(line if line == "-- " else line.rstrip(" ") for line in given.split("\n"))


def bare(ids):
    return [i.strip("<>") for i in ids or []]


def is_marked(html, given):
    return html == given or html == f'<div dir="auto">{given}</div>'


def contents(attachments):
    return sorted((a["name"], a["type"], a.get("contentId"), base64.b64decode(a["content"])) for a in attachments)


def decode(value):
    return str(email.header.make_header(email.header.decode_header(value)))


def python_reads(raw, r):
    message = email.message_from_bytes(raw, policy=email.policy.default)
    legacy = email.message_from_bytes(raw)  # Python's newer address parser takes some words of a name apart (bpo-35547)
    assert not message.defects and {k.lower() for k in message.keys()} <= FIELDS, message.defects
    assert max(map(len, raw.split(b"\r\n"))) <= 998 and b"\r" not in raw.replace(b"\r\n", b"") and b"\n" not in raw.replace(b"\r\n", b"")
    assert message["Subject"] == r["subject"]
    for field in ("to", "cc"):
        got = [(decode(name), email_) for name, email_ in email.utils.getaddresses(legacy.get_all(field, []))]
        assert got == [(a["name"], a["email"]) for a in r[field]], field
    leaves = [p for p in message.walk() if not p.is_multipart()]
    body = [p for p in leaves if p.get_content_disposition() is None]
    assert [p.get_content_type() for p in body] == (["text/plain", "text/html"] if "html" in r else ["text/plain"])
    if "text" in r:
        plain = body[0].get_payload(decode=True).decode().replace("\r\n", "\n")
        flowed = body[0].get_param("format") == "flowed"
        got, given = (unflow(plain), expected_text(r["text"])) if flowed else (plain, r["text"])
        assert got.rstrip("\n") == given.rstrip("\n")  # the last line end is the boundary's
        assert not flowed or all(len(line.encode()) <= 76 or " " not in line.strip() for line in plain.split("\n") if line[:1] != ">")
    if "html" in r:
        assert is_marked(body[-1].get_payload(decode=True).decode().replace("\r\n", "\n").rstrip("\n"), r["html"].rstrip("\n"))
    got = sorted((p.get_filename(), p.get_content_type(), (p["Content-ID"] or "").strip("<>") or None, p.get_payload(decode=True))
                 for p in leaves if p.get_content_disposition())
    assert got == contents(r["attachments"])


def parser_reads(facts, r):
    assert facts["subject"] == r["subject"] and facts["messageId"] == [r["messageId"]]
    for field in ("from", "to", "cc"):
        given = [r["from"]] if field == "from" else r[field]
        assert [(a["name"] or "", a["email"]) for a in facts[field] or []] == [(a["name"], a["email"]) for a in given], field
    assert bare(facts["inReplyTo"]) == bare([r["inReplyTo"]] if "inReplyTo" in r else [])
    assert bare(facts["references"]) == bare(r.get("references"))
    if "text" in r:
        got, given = facts["text"].replace("\r\n", "\n"), r["text"]
        assert got.rstrip("\n") == given.rstrip("\n") or unflow(got).rstrip("\n") == expected_text(given).rstrip("\n")
    if "html" in r:
        assert is_marked(facts["html"].replace("\r\n", "\n").rstrip("\n"), r["html"].rstrip("\n"))
    assert len(facts["attachments"]) == len(r["attachments"])
    for a, given in zip(sorted(facts["attachments"], key=lambda a: (a["name"], a["size"])),
                        sorted(r["attachments"], key=lambda a: (a["name"], len(base64.b64decode(a["content"]))))):
        assert (a["name"], a["type"], a["cid"]) == (given["name"], given["type"], given.get("contentId"))
        assert a["size"] == len(base64.b64decode(given["content"]))


def test_snd02_what_goes_in_comes_out(tmp_path):
    """Proves SND-02: parse(compose(x)) = x for 400 messages of many scripts and shapes, by our parser and by Python's email."""
    rng = random.Random(7)
    requests = [request(rng) for _ in range(400)]
    raws = compose(requests)
    for r, raw, facts in zip(requests, raws, parse(raws, tmp_path)):
        assert isinstance(raw, bytes), (raw, r)
        python_reads(raw, r)
        parser_reads(facts, r)


def test_snd02_direction_is_marked():
    """Proves SND-02: HTML from right to left is marked, once, where it belongs; other HTML, and what is marked, is left alone."""
    base = {"from": {"email": "a@us.example"}, "to": [{"email": "b@x.example"}], "subject": "s"}
    cases = {"<p>שלום</p>": '<div dir="auto"><p>שלום</p></div>', "<html><body style='x'>مرحبا</body></html>": "<html><body dir=\"auto\" style='x'>مرحبا</body></html>",
             '<p dir="rtl">שלום</p>': '<p dir="rtl">שלום</p>', "<p>Grüße, Привет, 日本</p>": "<p>Grüße, Привет, 日本</p>"}
    for given, raw in zip(cases, compose([{**base, "html": html} for html in cases])):
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert message.get_body(("html",)).get_content().rstrip("\n") == cases[given]


def test_snd02_an_attached_message_stays_one():
    """Proves SND-02: a message as attachment goes as it is if it can (RFC 2046 5.2.1: never encoded), else as octets; nothing is lost."""
    plain = b"Subject: in\r\nContent-Type: text/plain\r\n\r\nHi\r\n"
    wild = "Subject: in\r\n\r\nGrüße\n".encode()
    base = {"from": {"email": "a@us.example"}, "to": [{"email": "b@x.example"}], "subject": "s", "text": "t"}
    raws = compose([{**base, "attachments": [{"name": "m.eml", "type": "message/rfc822", "content": base64.b64encode(c).decode()}]} for c in (plain, wild)])
    first, second = [list(email.message_from_bytes(raw, policy=email.policy.default).iter_attachments())[0] for raw in raws]
    assert first.get_content_type() == "message/rfc822" and first["Content-Transfer-Encoding"] == "7bit" and first.get_content()["Subject"] == "in"
    assert second.get_content_type() == "application/octet-stream" and second.get_payload(decode=True) == wild and second.get_filename() == "m.eml"


def test_unsubscribe_where_asked():
    """List-Unsubscribe by RFC 2369, and by RFC 8058 for one click; nothing that could not be one."""
    base = {"from": {"email": "a@us.example"}, "to": [{"email": "b@x.example"}], "subject": "s", "text": "t"}
    raws = compose([{**base, "unsubscribe": u} for u in ({"url": "https://u.example/1", "email": "off@u.example"}, {"email": "off@u.example"},
                                                         {"url": "javascript:x"}, {"email": "a@b> <x"})] + [base])
    both, mail = [email.message_from_bytes(raw, policy=email.policy.default) for raw in raws[:2]]
    assert both["List-Unsubscribe"] == "<https://u.example/1>, <mailto:off@u.example>" and both["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"] == "<mailto:off@u.example>" and mail["List-Unsubscribe-Post"] is None
    assert all(r.startswith("invalid_unsubscribe ") for r in raws[2:4]) and b"nsubscribe" not in raws[4]


PLACES = [("subject",), ("from", "name"), ("from", "email"), ("to", 0, "name"), ("to", 0, "email"), ("cc", 0, "name"), ("bcc", 0, "email"),
          ("replyTo", 0, "name"), ("messageId",), ("inReplyTo",), ("references", 0), ("attachments", 0, "name"), ("attachments", 0, "type"),
          ("attachments", 0, "contentId"), ("unsubscribe", "url"), ("unsubscribe", "email")]


@pytest.mark.parametrize("evil", ["\r\n", "\n", "\r", "\0", "\r\n\r\n", "\n "])
def test_snd09_no_header_is_injected(evil):
    """Proves SND-09, F84: CR, LF or NUL at any place of any field that goes into a header: refused, every time (random values around it)."""
    rng = random.Random(evil)
    requests = []
    for place in PLACES:
        for _ in range(8):
            r = {"from": address(rng), "to": [address(rng)], "cc": [address(rng)], "bcc": [address(rng)], "replyTo": [address(rng)], "subject": "s",
                 "text": "t", "html": "<p>h</p>", "messageId": "m@us.example", "inReplyTo": "<i@x.example>", "references": ["<r@x.example>"],
                 "attachments": [attachment(rng, "c@us.example")], "unsubscribe": {"url": "https://u.example/", "email": "u@u.example"}}
            inside = r
            for step in place[:-1]:
                inside = inside[step]
            value = inside[place[-1]] or "x"
            at = rng.randint(1, len(value) - 1) if len(value) > 1 else 0  # blanks around an address or id are no part of it
            inside[place[-1]] = value[:at] + evil + "Bcc: evil@x.example" + value[at:]
            requests.append(r)
    for r, result in zip(requests, compose(requests)):
        assert isinstance(result, str) and result.startswith("header_injection "), (r, result)
