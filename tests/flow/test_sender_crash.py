"""Proves SND-07 on the real program: at most once, whatever dies and whenever, the mail server or the sender."""
import json
import signal
import time

import pytest

from sender_house import SLOW, TAG, house, id_key, read, simple, wait  # noqa: F401


def test_closed_before_the_end(house):  # noqa: F811
    """SND-07: a connection lost while the message is under way is tried again: the server cannot have it."""
    def close(connection, _):
        house.smtp.body = None
        connection.say(None)
    house.smtp.body = close
    house.start("--clock.scale", "60")
    submission = house.submit(simple(text="x" * 8_000_000))
    house.until(submission, "delayed", "sent")
    house.until(submission, "sent")
    assert len(house.smtp.messages) == 1 and house.journal(submission) == ["delayed", "sent"]


def test_closed_after_the_end(house):  # noqa: F811
    """SND-07, F74: lost between the last five octets and the answer: looked for, never sent again, unknown in the end."""
    house.smtp.final = None
    house.start("--clock.scale", "1200")  # an hour of looking is 3 s
    submission = house.submit(simple())
    state = wait(lambda: house.state(submission).get("handedOver") and house.state(submission).get("serverReply") and house.state(submission), "lost")
    assert state["status"] == "sending" and state["recipients"][0]["status"] == "unknown"
    house.smtp.final = "250 ok"
    state = house.until(submission, "unknown")
    assert house.journal(submission) == ["unknown"] and house.redis.zcard(TAG + ":od") == 0
    time.sleep(1)
    assert len(house.smtp.messages) == 1 and house.redis.hlen(TAG + ":l") == 0


def test_closed_after_the_end_and_found(house):  # noqa: F811
    """SND-07, F74: the same, but the message comes in from the provider meanwhile: sent."""
    house.smtp.final = None
    house.start("--clock.scale", "1200")
    submission = house.submit(simple(), message_id="found.mw@sales.example")
    wait(lambda: house.state(submission).get("serverReply"), "lost")
    house.redis.hset(TAG + ":i", id_key("found.mw@sales.example"), b"t" * 10)
    state = house.until(submission, "sent")
    assert state["filing"] == "provider" and state["recipients"][0]["status"] == "sent"
    assert house.journal(submission) == ["sent"] and len(house.smtp.messages) == 1
    assert house.redis.hlen(TAG + ":l") == 0 and house.redis.xlen(TAG + ":cmd") == 0


def test_no_answer_to_the_end(house):  # noqa: F811
    """SND-07, F74: a server that takes all and says nothing is given up after final_ms, and the message is not sent again."""
    house.smtp.final = lambda connection: time.sleep(8 * SLOW) or "250 late"
    house.start("--clock.scale", "1200", "--final_ms", "1s")
    submission = house.submit(simple())
    assert "did not say" in house.until(submission, "unknown")["serverReply"]
    assert len(house.smtp.messages) == 1


@pytest.mark.parametrize("answer_first", [False, True])
def test_killed_after_the_hand_over(house, answer_first):  # noqa: F811
    """SND-07, F75: kill -9 between the hand-over and the settled answer: the next sender looks for it and never sends it again."""
    name = []

    def final(connection):
        if answer_first:
            connection.say("250 taken")
        house.stop(name[0], signal.SIGKILL)
        return None if answer_first else "250 taken"
    house.smtp.final = final
    name.append(house.start("--lease_ms", "1s", "--clock.scale", "1200"))
    submission = house.submit(simple())
    wait(lambda: house.smtp.messages and not house.senders, "killed")
    state = house.state(submission)
    if not (answer_first and state["status"] == "sent"):  # it may have been faster than the signal
        assert state["status"] == "sending" and state["handedOver"] > 0
    house.smtp.final = "250 ok"
    house.start("--lease_ms", "1s", "--clock.scale", "1200")
    house.until(submission, "unknown", "sent")
    time.sleep(1)
    assert len(house.smtp.messages) == 1 and len(house.journal(submission)) == 1


def test_killed_before_the_hand_over(house):  # noqa: F811
    """SND-07, F76: kill -9 while the message is under way: the lease runs out and another sender delivers it, with the same id."""
    name = []

    def body(connection, _):
        house.smtp.body = None
        house.stop(name[0], signal.SIGKILL)
        connection.say(None)
    house.smtp.body = body
    name.append(house.start("--lease_ms", "1s"))
    submission = house.submit(simple(text="y" * 8_000_000))
    wait(lambda: not house.senders, "killed")
    first = house.state(submission)
    house.start("--lease_ms", "1s")
    state = house.until(submission, "sent")
    assert len(house.smtp.messages) == 1 and state["messageId"] == first["messageId"] and state["attempts"] == 2


def test_lease_lost_before_the_hand_over(house):  # noqa: F811
    """SND-07: who lost the entry to another process (a new token) closes instead of sending the last five octets."""
    def body(connection, _):
        house.smtp.body = None
        state = house.state(submission)
        state["token"] += 1
        house.redis.hset(TAG + ":os", submission, json.dumps(state))
    house.smtp.body = body
    house.start("--lease_ms", "30s")
    submission = house.submit(simple(text="z" * 8_000_000))
    wait(lambda: "hand_over_refused" in house.logs() or house.smtp.messages, "asked")
    time.sleep(0.5)
    assert house.smtp.messages == [] and house.state(submission)["status"] == "sending" and not house.state(submission).get("handedOver")


def test_two_senders_share(house):  # noqa: F811
    """Two senders and forty entries: each is sent once."""
    house.start()
    house.start()
    submissions = [house.submit(simple(subject=f"s{i}")) for i in range(40)]
    for submission in submissions:
        house.until(submission, "sent", seconds=30)
    assert sorted(str(read(raw)["Subject"]) for _, _, raw in house.smtp.messages) == sorted(f"s{i}" for i in range(40))


def test_stop_gives_back(house):  # noqa: F811
    """A stopped sender gives back what it has not handed over; the next one sends it at once, not when the lease runs out."""
    house.smtp.body = lambda connection, _: time.sleep(6)
    name = house.start("--lease_ms", "10m", "--drain_ms", "100ms")
    submission = house.submit(simple(text="w" * 8_000_000))
    wait(lambda: "DATA" in house.smtp.commands, "under way")
    house.stop(name)
    assert house.state(submission)["status"] == "queued"
    house.smtp.body = None
    house.start()
    assert house.until(submission, "sent")["attempts"] == 1
    assert len(house.smtp.messages) == 1
