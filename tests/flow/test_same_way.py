"""Proves SHR-06 for timing: what is hidden and what was never there take the same way through the gateway, the same commands to Redis in the
same order, whatever hides it; and that a detail view costs the same few round trips however much mail and however many mailboxes there are."""
import re
import signal
import uuid

from gateway_world import NOW, Api, id_of, public
from test_gateway_mail import ABSENT, ask, box, house, routes_of, shared_box  # noqa: F401


class Watch:
    """What the gateway says to Redis meanwhile. The linker stands still, so that nobody else speaks of companies and accounts."""

    def __init__(self, house):
        self.house, self.monitor = house, house.r.monitor()

    def __enter__(self):
        self.house.running["linker-1"].send_signal(signal.SIGSTOP)
        self.monitor.__enter__()
        return self

    def __exit__(self, *what):
        self.monitor.__exit__(*what)
        self.house.running["linker-1"].send_signal(signal.SIGCONT)

    def until(self, mark):
        while True:
            said = self.monitor.next_command()
            if said["command"] == f"ECHO {mark}":
                return
            yield said

    def __call__(self, request):
        """The commands of one request: verb, function if it is one, and key without the names of company and account."""
        marks = [uuid.uuid4().hex, uuid.uuid4().hex]
        self.house.r.echo(marks[0])
        answer = request()
        self.house.r.echo(marks[1])
        list(self.until(marks[0]))
        shapes = []
        for said in self.until(marks[1]):
            key = re.search(r"\{([ac]):[^}]*\}(:[a-z]+)?", said["command"])
            if said["client_type"] != "lua" and key and (key[2] or "")[1:3] != "wh":
                words = said["command"].split(" ")
                shapes.append((words[0], words[1] if words[0] == "FCALL" else "", key[1], key[2] or ""))
        return answer, shapes


def hidden_threads(house):  # noqa: F811
    """From Ben and the admin, each for another reason."""
    for k in range(3):
        house.person(f"h{k}", visible={"users": ["cleo"], "groups": []})
    house.item("deal", "9", visible={"users": ["cleo"], "groups": []})
    people = ["h0", "h1", "h2"]
    made = {
        "private": house.mail("anna", "private", people=["p1", "p2"], kind="d", item="1", sharing="p"),
        "loose": house.mail("anna", "loose"),
        "tied to what they may not see": house.mail("anna", "tied", people=people, kind="d", item="9"),
        "deleted": house.mail("anna", "deleted", people=["p1"]),
        "merged": house.mail("anna", "old", people=["p1"], sharing="p"),
        "absorbed": house.mail("anna", "young", people=["p1"], received=NOW + 1),
    }
    house.mail("anna", "joint", ["old", "young"], received=NOW + 2)
    house.api["anna"].ok("DELETE", f"/v1/threads/{made['deleted']}", 204)
    house.settle()
    return {**made, "never there": f"anna~{ABSENT}", "in no mailbox": f"nobody~{ABSENT}"}


def test_shr_06_hidden_and_absent_take_the_same_way(house):  # noqa: F811
    threads = hidden_threads(house)
    with Watch(house) as watch:
        for viewer in ("ben", "root"):
            for k, (method, pattern) in enumerate(routes_of("T", "T")):
                ways = {}
                for why, thread in threads.items():
                    path = routes_of(thread, thread)[k][1]
                    answer, shapes = watch(lambda path=path, thread=thread, method=method: ask(house.api[viewer], method, path, thread))
                    assert answer.status_code == 404, (viewer, why, method, path, answer.text)
                    ways[why] = shapes
                assert len(ways["never there"]) >= 4  # it has eyes: token, mailbox, thread, mirror
                for why, shapes in ways.items():
                    assert shapes == ways["never there"], (viewer, why, method, pattern)


def test_shr_06_what_is_seen_takes_another(house):  # noqa: F811
    """The watch tells ways apart."""
    thread = house.mail("anna", "a", people=["p1"])
    house.settle()
    with Watch(house) as watch:
        seen, shapes = watch(lambda: ask(house.api["ben"], "GET", f"/v1/threads/{thread}/messages", thread))
        absent, other = watch(lambda: ask(house.api["ben"], "GET", f"/v1/threads/anna~{ABSENT}/messages", thread))
    assert (seen.status_code, absent.status_code) == (200, 404) and shapes != other


def test_shr_06_people_items_accounts_and_webhooks(house):  # noqa: F811
    house.person("hidden", visible={"users": ["cleo"], "groups": []})
    house.item("deal", "hidden", visible={"users": ["cleo"], "groups": []})
    made = house.api["anna"].ok("POST", "/v1/webhooks", 201, json={"url": "https://hooks.example/"})
    pairs = [("/v1/people/%s", "hidden", "absent"), ("/v1/people/%s/threads", "hidden", "absent"), ("/v1/deals/%s", "hidden", "absent"),
             ("/v1/deals/%s/threads", "hidden", "absent"), ("/v1/accounts/%s", "anna", "absent"), ("/v1/accounts/%s/history", "anna", "absent"),
             ("/v1/accounts/%s/folders", "anna", "absent"), ("/v1/webhooks/%s", made["id"], "absent")]
    with Watch(house) as watch:
        for path, there, absent in pairs:
            for turn in range(5):  # the gateway's own thread for webhooks may speak in between: a way that differs does so each time
                (one, way), (other, same) = (watch(lambda name=name: house.api["ben"].call("GET", path % name)) for name in (there, absent))
                assert one.status_code == other.status_code == 404 and one.content == other.content and way, path
                if way == same:
                    break
            assert way == same, path


def test_lnk_07_a_deal_of_500_threads_of_50_reps(house):  # noqa: F811
    """Two steps whatever there is: references from the company, records from the mailboxes; a page holds only what its viewer may see."""
    reps, threads = 50, 500
    for k in range(reps):
        house.user(f"rep{k}")
        house.account(f"rep{k}", f"rep{k}")
    shown = []
    for k in range(reps):
        mails = []
        for j in range(threads // reps):
            private, received = (j + k) % 5 == 0, NOW + j * reps + k
            mails.append((f"m{j}", [], {"people": ["p1"], "kind": "d", "item": "1", "sharing": "p" if private else "s", "received": received}))
            if not private:
                shown.append((received, public(f"rep{k}", id_of(f"rep{k}m{j}"))))
        house.commit(f"rep{k}", *mails)
    few = house.mail("anna", "other", kind="d", item="3", people=["p1"])
    house.item("deal", "3")
    house.settle()
    wanted = [thread for _, thread in sorted(shown, reverse=True)]
    ben = house.api["ben"]
    assert len(wanted) == 400 and ben.ids("/v1/deals/1/threads", limit=50) == wanted
    own = Api(house, house.token, "rep7")
    assert len(own.ids("/v1/deals/1/threads")) == 400 + len([j for j in range(10) if (j + 7) % 5 == 0])
    # They become private faster than the company's side can follow: what is left is what may be seen, and the page is as full as it can be.
    with Watch(house) as watch:
        for k in range(0, reps, 2):
            mine = Api(house, house.token, f"rep{k}")
            mine.ok("POST", "/v1/threads/bulk", json={"ids": [t for t in wanted if t.startswith(f"rep{k}~")], "op": "private"})
        rest = [t for t in wanted if int(t.partition("~")[0][3:]) % 2]
        page, _ = watch(lambda: ben.get("/v1/deals/1/threads", limit=50))
        assert [t["id"] for t in page["data"]] == rest[:50]
    house.settle()
    trips = {}
    for name, path, ids in (("one", "/v1/deals/3/threads?limit=50", [few]), ("many", "/v1/deals/1/threads?limit=50", rest[:50])):
        trips[name] = min(round_trips(house, lambda path=path, ids=ids: seen(ben, path, ids)) for _ in range(8))
    assert trips["many"] <= trips["one"] + 1 and trips["many"] <= 10, trips


def seen(api, path, ids):
    assert [t["id"] for t in api.get(path)["data"]] == ids


def round_trips(house, request):  # noqa: F811
    """Of the gateway meanwhile; a turn of its own threads may be among them, so the least of several counts."""
    def count():
        text = house.root.call("GET", "/metrics").text
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith("mailweave_redis_round_trips_total"))
    before = count()
    request()
    return count() - before
