"""What the tests of single rules share: companies of their own on the real threader, linker and gateway over a real Redis; tests/flow/feed.c
stands for the stages before."""
import itertools
import struct

import msgpack
import pytest

from gateway_world import BUILD, NOW, Api, id_of, public, wait
from test_link_property import World

OWN, DAY = "anna@us.example", 86_400_000
EARLY, LATE = "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"  # before and after NOW


@pytest.fixture(scope="module")
def stages():
    if not (BUILD / "tests/flow/feed").exists():
        pytest.skip("tests/flow/feed is not built: make tests-built")
    made = World()
    made.numbers_given = itertools.count(1)
    yield made
    made.close()


class House:
    """A company of its own: Anna with a mailbox, Ben, and Root the admin."""

    def __init__(self, world):
        self.world, self.name, self.sent = world, f"r{next(world.numbers_given)}", itertools.count()
        world.root.ok("PUT", f"/v1/companies/{self.name}", json={"name": self.name})
        self.token = world.root.ok("POST", "/v1/tokens", json={"kind": "company", "companyId": self.name})["token"]
        self.company = Api(world, self.token)
        for user, role in (("anna", "regular"), ("ben", "regular"), ("root", "admin")):
            self.company.ok("PUT", f"/v1/users/{user}", json={"name": user, "loginEmail": f"{user}@us.example", "role": role})
            setattr(self, user, Api(world, self.token, user))
        self.box("box", "anna", OWN)

    def box(self, account, user, own, members=(), **fields):
        r, number = self.world.r, 1 + self.world.r.hlen("{c:%s}:acct" % self.name)
        r.hset(self.tag(account) + ":acct", mapping={"gen": 1, "user": user, "number": number, "sharing": "", "company": self.name, "account": account,
                                                     "config": "{}", "revision": 1, "email": own, "own": msgpack.packb([own]), **fields})
        r.hset("{g}:accounts", f"{self.name}/{account}", 1)
        r.hset("{c:%s}:acct" % self.name, account, msgpack.packb([number, user, own, list(members), 0], use_bin_type=False))

    def tag(self, account="box"):
        return "{a:%s/%s}" % (self.name, account)

    def count(self, what, account="box"):
        return int(self.world.r.hget(self.tag(account) + ":n", what) or 0)

    def person(self, name, *emails, **more):
        self.company.ok("PUT", f"/v1/people/{name}", json={"name": name, "emails": list(emails) or [f"{name}@c.example"], **more})

    def item(self, name, *people, kind="deal", created=EARLY, status="open", **more):
        self.company.ok("PUT", f"/v1/{kind}s/{name}", json={"title": name, "personIds": list(people), "status": status, "createdAt": created, **more})

    def settings(self, **changes):
        self.company.ok("PATCH", "/v1/settings", json=changes)

    def mail(self, sender, to=(OWN,), cc=(), bcc=(), reply_to=(), refs=(), received=NOW, sent=NOW, account="box", own=OWN):
        """One message, committed and applied; its id in the API, which is its thread's if it founds one."""
        name, user = f"m{next(self.sent)}", msgpack.unpackb(self.world.r.hget("{c:%s}:acct" % self.name, account), raw=False)[1]
        message = id_of(self.name + account + name)

        def addresses(emails):
            return [["", email] for email in emails]
        values = {1: self.name, 2: account, 3: 1, 4: message, 5: 0, 8: "feed-1", 9: user, 10: [own], 11: received, 12: 1000, 13: b"blob", 14: 2,
                  30: [f"{message.hex()}@x"], 32: [f"{ref}@x" for ref in refs], 33: addresses([sender]), 35: addresses(to), 36: addresses(cc),
                  37: addresses(bcc), 38: addresses(reply_to), 40: sent, 41: b"\0" * 32,
                  42: msgpack.packb({"s": name, "p": "", "f": addresses([sender]), "t": addresses(to), "c": addresses(cc), "i": f"{message.hex()}@x"}, use_bin_type=False)}
        data = msgpack.packb([1, 2, values])
        self.world.give([(self.tag(account), message, struct.pack("=BI", 0, len(data)) + data)])
        wait(lambda: not self.world.r.hexists(self.tag(account) + ":l", message), 30, "committed\n" + self.world.log("linker-1"))
        self.applied(account)
        return public(account, message)

    def applied(self, account="box"):
        wait(lambda: self.count("j", account) == int(self.world.r.hget("{c:%s}:applied" % self.name, account) or 0), 30, "applied")

    def thread(self, thread, api=None):
        return (api or self.anna).get(f"/v1/threads/{thread}")

    def link(self, thread):
        link = self.thread(thread)["link"]
        return link and (link["kind"], link["id"], link["by"])

    def why_not(self, thread):
        shown = self.thread(thread)
        assert shown["link"] is None
        return shown["linkSkipped"]


def refs(*threads):
    """What their messages are called in References."""
    def raw(thread):
        number = 0
        for letter in thread.partition("~")[2]:
            number = number << 5 | "0123456789abcdefghjkmnpqrstvwxyz".index(letter)
        return number.to_bytes(10, "big").hex()
    return [raw(thread) for thread in threads]


@pytest.fixture
def house(stages):
    return House(stages)


__all__ = ["DAY", "EARLY", "House", "NOW", "OWN", "house", "refs", "stages"]
