"""How much an account sends: SND-10. Its limits hold over all senders together, what waits says until when and why, mail to many leaves room for
people. The clock of the limits is scaled; what counts is what the server got, and when."""
import threading
import time

import sender_house
from sender_house import TAG, house, simple  # noqa: F401


def arrivals(house):  # noqa: F811
    """When the server took each message: filled while it runs."""
    times, lock = [], threading.Lock()

    def final(_):
        with lock:
            times.append(time.time())
        return "250 2.0.0 taken"
    house.smtp.final = final
    return times


def most_within(times, seconds):
    times = sorted(times)
    return max(sum(1 for t in times if first <= t < first + seconds) for first in times)


def test_snd10_limits_hold_over_all_senders(house):  # noqa: F811
    """Proves SND-10: never more than the limit in any minute, whatever the number of senders; nothing is lost; what waits says why, until when."""
    times, scale = arrivals(house), 20  # a minute is 3 s
    house.redis.hset(TAG + ":acct", "pace", "0 5")
    for _ in range(2):
        house.start("--clock.scale", scale, "--account_connections", 4)
    submissions = [house.submit(simple(subject=str(n))) for n in range(12)]
    waiting = sender_house.wait(lambda: [s for s in map(house.state, submissions) if s.get("waits")], "somebody waits")
    assert all(s["waits"] == "minute" and s["status"] == "queued" and s["nextAttemptAt"] > s.get("firstAt", 0) for s in waiting), waiting
    for submission in submissions:
        state = house.until(submission, "sent", seconds=40)
        assert "waits" not in state and state["attempts"] == 1, state
    assert len(times) == 12
    # The limit is taken when a message is leased, a moment before the server has it: hence a little less than the whole minute.
    assert most_within(times, 60 / scale * 0.8) <= 5, [round(t - times[0], 2) for t in sorted(times)]


def test_snd10_a_minute_of_mail_to_many(house):  # noqa: F811
    """Proves SND-10, SND-12: copies keep within four fifths of the minute's limit, one message is left for a person, and all go in the end."""
    times, scale = arrivals(house), 20  # a minute is 3 s
    house.redis.hset(TAG + ":acct", "pace", "0 5")
    house.start("--clock.scale", scale)
    copies = [house.submit(simple(subject=str(n)), bulk=True) for n in range(10)]
    sender_house.wait(lambda: len(times) == 4 and house.redis.hexists(TAG + ":pace", "bulk"), "four of five")
    house.until(house.submit(simple(subject="from a person")), "sent")
    for submission in copies:
        house.until(submission, "sent", seconds=40)
    assert len(times) == 11 and most_within(times, 60 / scale * 0.8) <= 5, [round(t - times[0], 2) for t in sorted(times)]


def test_snd10_a_day_counts_recipients(house):  # noqa: F811
    """Proves SND-10: the day's limit counts recipients; what fits goes before what does not; a window that is empty admits any message."""
    times = arrivals(house)
    house.redis.hset(TAG + ":acct", "pace", "10 0")
    house.start()
    many = [{"email": f"p{n}@them.example"} for n in range(8)]
    house.until(house.submit(simple(to=many), recipients=8), "sent")
    large, small = house.submit(simple(to=many), recipients=8), house.submit(simple())
    house.until(small, "sent")
    state = sender_house.wait(lambda: house.state(large).get("waits") and house.state(large), "the large one waits")
    day = 86400_000
    assert state["waits"] == "day" and day - 120_000 < state["nextAttemptAt"] - time.time() * 1000 <= day + 900_000, state
    assert len(times) == 2
    house.redis.delete(TAG + ":pace")
    house.redis.zadd(TAG + ":od", {large: 0})
    house.until(large, "sent")


def test_snd10_what_was_not_handed_over_does_not_count(house):  # noqa: F811
    """Proves SND-10: an attempt that the server refused before it had the message takes nothing from the limit."""
    house.redis.hset(TAG + ":acct", "pace", "2 0")
    house.smtp.rcpt = lambda address: "550 5.1.1 nobody" if address.startswith("no") else "250 fine"
    house.start()
    for n in range(4):
        house.until(house.submit(simple(to=[{"email": f"no{n}@them.example"}])), "failed")
    for _ in range(2):
        house.until(house.submit(simple()), "sent")
    late = house.submit(simple())
    assert sender_house.wait(lambda: house.state(late).get("waits"), "over the limit") == "day"


def test_snd10_mail_to_many_stands_in_nobodys_way(house):  # noqa: F811
    """Proves SND-10: with 100 copies due, and the server slow, a person's message goes at once; and the copies leave a fifth of the limit."""
    times = arrivals(house)
    taken = house.smtp.final
    house.smtp.final = lambda connection: time.sleep(0.1) or taken(connection)
    house.redis.hset(TAG + ":acct", "pace", "50 0")
    house.start()
    copies = [house.submit(simple(subject=f"copy {n}"), bulk=True) for n in range(100)]
    sender_house.wait(lambda: len(times) > 3, "copies go")
    before = len(times)
    house.until(house.submit(simple(subject="from a person")), "sent")
    assert len(times) - before <= 6 * sender_house.SLOW, "the person waited for more than what was under way"
    waits = sender_house.wait(lambda: house.redis.hmget(TAG + ":pace", "bulk", "why") if house.redis.hexists(TAG + ":pace", "bulk") else None,
                              "the copies wait", 30)
    assert int(waits[0]) > time.time() * 1000 + 80_000_000 and waits[1] == b"day"
    sender_house.wait(lambda: sum(house.state(c).get("status") == "sent" for c in copies) >= 39, "what may go went")
    for n in range(9):
        house.until(house.submit(simple(subject=f"person {n}")), "sent")
    assert 39 <= sum(house.state(c).get("status") == "sent" for c in copies) <= 40
