"""What must come out, worked out from the mail server and the generator's ledger alone."""
import base64
import calendar
import hashlib
import re
import time

NOT_SYNCED = {"\\Trash", "\\Junk", "\\Drafts"}


def utf7(name):
    """A folder's name as IMAP writes it, read (RFC 3501, 5.1.3)."""
    return re.sub(r"&([^-]*)-", lambda m: base64.b64decode(m[1].replace(",", "/") + "===").decode("utf-16-be") if m[1] else "&", name)


class Place:
    """One message in one folder of the server."""

    def __init__(self, folder, uidvalidity, uid, flags, raw):
        self.folder, self.uidvalidity, self.uid, self.flags = folder, uidvalidity, uid, flags
        self.sha256, self.size = hashlib.sha256(raw).hexdigest(), len(raw)


def folders(imap):
    """[(path as the server says it, special-use)] of what is synced."""
    out = []
    for line in imap.list()[1]:
        flags, _, name = re.fullmatch(rb'\(([^)]*)\) (NIL|"[^"]*") (.*)', line).groups()
        flags = set(flags.decode().split())
        if "\\Noselect" in flags or "\\NonExistent" in flags or flags & NOT_SYNCED:
            continue
        out.append(name.decode().strip('"'))
    return out


def server_places(imap):
    """Every place of every synced folder, by reading the server."""
    found = []
    for folder in folders(imap):
        assert imap.select(f'"{folder}"', readonly=True)[0] == "OK", folder
        validity = int(imap.response("UIDVALIDITY")[1][0])
        count = int(imap.untagged_responses.get("EXISTS", [b"0"])[-1])
        if count:
            for item in imap.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[])")[1]:
                if isinstance(item, tuple):
                    head = item[0].decode()
                    uid = int(re.search(r"UID (\d+)", head)[1])
                    flags = set(re.search(r"FLAGS \(([^)]*)\)", head)[1].split()) - {"\\Recent"}
                    found.append(Place(folder, validity, uid, flags, item[1]))
        imap.unselect() if "UNSELECT" in imap.capabilities else imap.close()
    return found


def blocked(address, patterns):
    address = address.lower()
    return any(address == p.lower() or p.startswith("@") and "@" + address.partition("@")[2] == p.lower() for p in patterns)


def screened(entry, own, patterns):
    """BLK-02: the sender is blocked and so is everybody else but the account itself."""
    if entry["from"].lower() in own or not blocked(entry["from"], patterns):
        return False
    return all(to.lower() in own or blocked(to, patterns) for to in entry["to"])


def synced_entries(ledger, rep, patterns):
    """The generator's messages of one account that must be there."""
    own = {r["email"].lower() for r in ledger["reps"] if r["id"] == rep}
    return [m for m in ledger["messages"] if m["account"] == rep and set(m["folders"]) - {"Trash", "Junk"} and not screened(m, own, patterns)]


def partition(entries):
    """THR-01: union-find over all ids a message names. → [set of ledger numbers], and what no id joins stands alone."""
    parent = {}

    def find(x):
        while parent.setdefault(x, x) != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for entry in entries:
        for name in [entry["messageId"]] + entry["inReplyTo"] + entry["references"]:
            if name:
                parent[find(("id", name))] = find(("message", entry["ledger"]))
        find(("message", entry["ledger"]))
    groups = {}
    for entry in entries:
        groups.setdefault(find(("message", entry["ledger"])), set()).add(entry["ledger"])
    return sorted(groups.values(), key=min)


def seconds(text):
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


def decide(entry, items, kinds=("deal", "lead")):
    """LNK-02 for one message: (item key or None, reason)."""
    if not entry["people"]:
        return None, "no_person"
    open_items = {(i["kind"], i["id"]): i for i in items if i["status"] == "open" and set(i["personIds"]) & set(entry["people"])}
    if not open_items:
        return None, "no_open_item"
    if len(open_items) > 1:
        return None, "multiple_open_items"
    (key, item), = open_items.items()
    if key[0] not in kinds:
        return None, "kind_not_automatic"
    if entry["at"] < seconds(item["createdAt"]):
        return None, "predates_item"
    return key, None


def links(entries, items):
    """LNK-02, LNK-06 over a partition: for each thread the set of links it may have, and the reasons it may show without one."""
    by_number = {e["ledger"]: e for e in entries}
    out = []
    for group in partition(entries):
        decisions = [decide(by_number[n], items) for n in group]
        out.append((group, {key for key, _ in decisions if key}, {reason for key, reason in decisions if not key}))
    return out
