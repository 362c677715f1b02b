"""Proves what the commit makes of what comes back, against a real Redis: SND-11, SND-13: matched to submission and recipient, the
company's list, time to an answer."""
import datetime
import json

from linker_slot import COMPANY, NOW, TAG, any_server, id_of, slot  # noqa: F401

SUBMISSION = "ABCDEFGHJKMNPQRS"
OURS = SUBMISSION + ".mw@us.example"


def sent(slot, *emails):  # noqa: F811
    """A message that was sent from here: its state, and itself."""
    slot.r.hset(TAG + ":os", SUBMISSION, json.dumps({
        "status": "sent", "messageId": OURS, "id": id_of("out").hex(), "recipients": [{"email": e, "status": "sent"} for e in emails]}))
    assert slot.one("out", bits=1, thread_bits=2, submission=SUBMISSION) == "committed"


def listed(slot):  # noqa: F811
    slot.apply()
    return {key.decode(): json.loads(value) for key, value in slot.r.hgetall(COMPANY + ":sup").items()}


def test_snd13_a_bounce_finds_its_message_and_recipient(slot):  # noqa: F811
    sent(slot, "Kim@Client.example", "lee@client.example")
    slot.one("dsn", bits=8, back=[["kim@client.example", "5.1.1"], ["lee@client.example", "5.2.2"]], bounced=OURS)
    entry = slot.journal()[-1]
    assert entry[7] == [b"bounced", SUBMISSION.encode(), id_of("out"), [[b"kim@client.example", b"5.1.1"], [b"lee@client.example", b"5.2.2"]]]
    back = json.loads(slot.r.hget(TAG + ":ob", SUBMISSION))
    assert back["kim@client.example"] == {"what": "bounced", "status": "5.1.1", "at": NOW, "id": id_of("dsn").hex()}
    assert back["lee@client.example"]["status"] == "5.2.2"
    found = listed(slot)  # a full mailbox is no reason
    assert set(found) == {"kim@client.example"} and found["kim@client.example"]["reason"] == "bounced"
    at = datetime.datetime.fromtimestamp(NOW / 1000, datetime.timezone.utc)
    assert found["kim@client.example"]["at"] == at.strftime("%Y-%m-%dT%H:%M:%SZ") and found["kim@client.example"]["by"] is None
    assert f"anna~{SUBMISSION}" in found["kim@client.example"]["note"]


def test_snd13_nobody_takes_others_off(slot):  # noqa: F811
    """Whoever forges a bounce names what he did not get, or an address that the message was not to."""
    sent(slot, "kim@client.example")
    slot.one("forged1", bits=8, back=[["lee@client.example", "5.1.1"]], bounced=OURS)
    slot.one("forged2", bits=8, back=[["kim@client.example", "5.1.1"]], bounced=SUBMISSION + ".mw@other.example")
    slot.one("forged3", bits=8, back=[["kim@client.example", "5.1.1"]], bounced="AAAA.mw@us.example")
    slot.one("forged4", bits=8, back=[["kim@client.example", "5.1.1"]])
    slot.one("forged5", subject="unsubscribe " + SUBMISSION, writer="lee@client.example")
    slot.one("forged6", subject="unsubscribe AAAA", writer="kim@client.example")
    assert listed(slot) == {} and not slot.r.exists(TAG + ":ob")
    assert [e[7][:2] for e in slot.journal() if len(e) > 7] == [[b"bounced", b""]] * 4


def test_snd13_complaints_and_requests_to_be_left_alone(slot):  # noqa: F811
    sent(slot, "kim@client.example", "lee@client.example")
    slot.one("fbl", back=[["kim@client.example", "complaint"]], bounced=OURS)
    slot.one("left", subject="Unsubscribe " + SUBMISSION, writer="lee@client.example")
    found = listed(slot)
    assert {a: v["reason"] for a, v in found.items()} == {"kim@client.example": "complained", "lee@client.example": "unsubscribed"}
    slot.r.hdel(COMPANY + ":sup", "lee@client.example")  # edited; the journal is applied once
    assert set(listed(slot)) == {"kim@client.example"}


def test_snd11_time_to_an_answer(slot):  # noqa: F811
    slot.one("out", bits=1, thread_bits=2, received=NOW)
    slot.one("auto", ["out"], bits=4, received=NOW + 5000)
    slot.one("out2", ["out"], bits=1, thread_bits=2, received=NOW + 60_000)
    slot.one("in", ["out"], received=NOW + 3_660_000)
    slot.one("older", ["out"], received=NOW - 5000)  # came late: it answers nothing that was sent
    entries = {e[2]: e for e in slot.journal()}
    assert entries[id_of("in")][4] & 16 and entries[id_of("in")][7:] == [[], 3_600_000]
    assert not entries[id_of("auto")][4] & 16 and entries[id_of("auto")][4] & 32 and len(entries[id_of("auto")]) == 7
    assert len(entries[id_of("older")]) == 7
    slot.one("b", bits=1, thread_bits=2, received=NOW + 9_000_000)
    slot.one("both", ["in", "b"], received=NOW + 9_000_001)  # of a merge the later one counts
    assert slot.journal()[-1][8] == 1 and slot.thread("both")["sent_ms"] == NOW + 9_000_000


def test_snd13_refused_at_once(slot):  # noqa: F811
    """The server said it before the message was sent: what the sender writes into the journal."""
    import msgpack
    slot.r.xadd(TAG + ":j", {"e": msgpack.packb(["o", NOW, SUBMISSION, "sent", "", [["kim@client.example", "5.1.1"], ["lee@client.example", "5.7.1"]]])}, id="1-0")
    slot.r.hset(TAG + ":n", "j", 1)
    assert set(listed(slot)) == {"kim@client.example"}
