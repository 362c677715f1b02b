#!/usr/bin/python3
"""generate OUT [--messages N] [--accounts N] [--seed N] [--preset demo|bench] [--deals N]: sample mail of a few sales teams.

Writes OUT/mail/<address>/Maildir (what Dovecot serves), OUT/mirror.ndjson (people and items, lines for POST /v1/import), and
OUT/ledger.json: for each message what it is, where it lies, and what must come out. The same arguments give the same bytes."""
import argparse
import hashlib
import json
import os
import pathlib
import random
import time

import compose
from texts import COMPANIES, FIRST, LANGUAGES, LAST, SPAM, SUBJECTS

DOMAIN = "sales.example"
DAY = 86400
END = 1_756_000_000  # 2025-08-24: all mail is older
FOLDERS = ("INBOX", "Sent", "Archive", "Projects/Alpha", "Projects/Beta", "Kunden", "Trash", "Junk")



def maildir_folder(root, folder):
    """Maildir++: INBOX is the root, others are .Name with dots between levels."""
    return root if folder == "INBOX" else root / ("." + folder.replace("/", "."))


class World:
    """Who there is: reps with mailboxes, people at organizations, items."""

    def __init__(self, seed=1, accounts=3, deals=200, end=END):
        self.rng = random.Random(f"mailweave {seed}")
        self.end = end
        names = [n for n in FIRST if n.isascii()]
        self.reps = [{"id": names[i % len(names)].lower() + ("" if i < len(names) else str(i)),
                      "name": f"{names[i % len(names)]} {LAST[i % len(LAST)]}"} for i in range(accounts)]
        for rep in self.reps:
            rep["email"] = f"{rep['id']}@{DOMAIN}"
        self.orgs, self.people, self.items = [], [], []
        for i in range(max(8, deals // 4)):
            name = COMPANIES[i % len(COMPANIES)] + ("" if i < len(COMPANIES) else f" {i // len(COMPANIES) + 1}")
            self.orgs.append({"kind": "organization", "id": f"o{i}", "name": name})
        for i in range(max(24, deals * 3 // 2)):
            self._person(i)
        for i in range(deals):
            self._item(i)
        self.by_email = {}
        for person in self.people:
            for email in person["emails"]:
                self.by_email.setdefault(email.lower(), []).append(person["id"])
        self.strangers = [(f"{self.rng.choice(FIRST)} {self.rng.choice(LAST)}", f"info{i}@elsewhere{i % 7}.example") for i in range(40)]

    def _person(self, i):
        org = self.rng.choice(self.orgs)
        host = "".join(c for c in org["name"].lower() if c.isalnum()) + ".example"
        name = f"{self.rng.choice(FIRST)} {self.rng.choice(LAST)}"
        emails = [f"p{i}@{host}"] + ([f"P{i}.Private@mail{i % 5}.example"] if i % 9 == 0 else [])
        self.people.append({"kind": "person", "id": f"p{i}", "name": name, "emails": emails, "organizationId": org["id"], "visibleTo": "company"})

    def _item(self, i):
        """Most people have one open item; some none (closed), some two, some share one; a few items are younger than their mail."""
        kind = "lead" if i % 7 == 3 else "project" if i % 13 == 5 else "deal"
        people = [self.people[i % len(self.people)]["id"]]
        if i % 4 == 0:
            people.append(self.people[(i + 1) % len(self.people)]["id"])
        created = self.end - (400 if i % 10 else 20) * DAY
        status = "won" if i % 11 == 7 and kind == "deal" else "open"
        self.items.append({"kind": kind, "id": f"{kind[0]}{i}", "title": f"{kind.capitalize()} {i}", "status": status, "personIds": people,
                           "createdAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(created))})

    def mirror(self):
        return self.orgs + self.people + self.items


class Mail:
    """The messages, conversation by conversation."""

    def __init__(self, world, messages, preset="demo"):
        self.world, self.rng, self.wanted, self.preset = world, world.rng, messages, preset
        self.noise = compose.Noise(self.rng)
        self.serial = 0
        self.conversation = 0

    def __iter__(self):
        """(entry of the ledger, raw bytes); the entry names account, folders, flags, receivedAt."""
        made = 0
        while made < self.wanted:
            for entry, raw in self._conversation():
                if made == self.wanted:
                    return
                entry["ledger"] = made
                made += 1
                yield entry, raw

    def _conversation(self):
        self.conversation += 1
        dice = self.rng.random()
        if dice < 0.06:
            return [self._spam()]
        if dice < 0.10:
            return [self._broken()]
        if dice < 0.16:
            return [self._newsletter()]
        return self._talk()

    def _id(self, host):
        self.serial += 1
        return f"{self.serial}.{self.rng.getrandbits(48):x}@{host}"

    def _when(self, age_days):
        return int(self.world.end - age_days * DAY)

    def _talk(self):
        rng, world = self.rng, self.world
        rep = world.reps[self.conversation % len(world.reps)]
        language = rng.choice(("en",) * 6 + tuple(LANGUAGES))
        stranger = rng.random() < 0.15
        partners = [rng.choice(world.strangers)] if stranger else []
        if not stranger:
            for person in rng.sample(world.people, 1 if rng.random() < 0.8 else 2):
                partners.append((person["name"], rng.choice(person["emails"])))
        org = partners[0][1].partition("@")[2].partition(".")[0].capitalize()
        subject = rng.choice(SUBJECTS[language]).format(org=org)
        length = min(14, 1 + int(rng.expovariate(1 / 2.2)))
        at = self._when(rng.uniform(1, 120))
        file_folder = rng.choice(("INBOX",) * 5 + ("Archive", "Projects/Alpha", "Projects/Beta", "Kunden"))
        past, text, out = [], "", []
        for step in range(length):
            outgoing = (step + self.conversation) % 2 == 1
            at = min(at + int(rng.expovariate(1 / 40000)) + 60, world.end)
            entry, raw, text = self._message(rep, partners, language, subject, past, outgoing, at, text, file_folder)
            past.append(entry["messageId"])
            out.append((entry, raw))
        if rng.random() < 0.1 and length > 2:  # arrives out of order
            rng.shuffle(out)
        return out

    def _message(self, rep, partners, language, subject, past, outgoing, at, quoted, folder):
        rng = self.rng
        charsets, sentences, said = LANGUAGES[language]
        charset = rng.choice(charsets)
        sender, others = ((rep["name"], rep["email"]), partners) if outgoing else (partners[0], [(rep["name"], rep["email"])] + partners[1:])
        message_id = self._id(sender[1].partition("@")[2]) if rng.random() > 0.01 else None
        known = [x for x in past if x]
        reply, references = known[-1:], known[-10:]
        dice = rng.random()
        if dice < 0.03:
            reply = []
        elif dice < 0.10:
            references = []
        text = "\n".join(rng.choice(sentences) for _ in range(rng.randint(2, 6)))
        if self.preset == "bench":
            text = "\n".join(rng.choice(sentences) for _ in range(int(min(2000, rng.lognormvariate(4.3, 0.9)))))
        full = text + (f"\n\n{said.format(date=compose.date_header(at - 3600), name=partners[0][0])}\n"
                       + "\n".join("> " + line for line in quoted.splitlines()[:200]) if quoted else "")
        html = None
        if rng.random() < 0.6:
            html = ("<html><body><p>" + full.replace("\n", "<br>\n") + "</p>"
                    + ('<img src="cid:logo@local">' if language == "de" else "") + "</body></html>")
        head = self._headers(sender, others, ("Re: " if past else "") + subject, at, message_id, reply, references, charset)
        content, body = compose.body_of(full, html, charset, self._files(), html and language == "de", self.noise,
                                        b"=_%d" % self.serial, rng)
        raw = head + b"MIME-Version: 1.0\r\n" + content + b"\r\n" + body
        folders = ["Sent"] if outgoing else [folder]
        if not outgoing and folder == "INBOX" and rng.random() < 0.04 and self.preset != "bench":
            folders.append("Archive")  # the same message in two folders
        elif not outgoing and rng.random() < 0.01:
            folders = ["Trash"]
        return self._entry(rep, folders, raw, message_id, reply, references, sender, others, at, outgoing, text), raw, text

    def _files(self):
        rng = self.rng
        if self.preset == "bench":
            return [int(min(2_400_000, rng.lognormvariate(12.2, 1.1)))] if rng.random() < 0.16 else []
        return [rng.randint(2000, 60000) for _ in range(rng.randint(1, 2))] if rng.random() < 0.12 else []

    def _headers(self, sender, others, subject, at, message_id, reply, references, charset):
        rng = self.rng
        lines = [f"From: {compose.address(*sender, charset, rng)}",
                 "To: " + ",\r\n ".join(compose.address(*other, charset, rng) for other in others[:1])]
        if others[1:]:
            lines.append("Cc: " + ",\r\n ".join(compose.address(*other, charset, rng) for other in others[1:]))
        lines.append(f"Subject: {compose.encoded_word(subject, charset, rng)}")
        lines.append(f"Date: {compose.date_header(at)}")
        if message_id:
            lines.append(f"Message-ID: <{message_id}>")
        if reply:
            lines.append(f"In-Reply-To: <{reply[0]}>")
        if references:
            lines.append("References: " + "\r\n ".join(f"<{x}>" for x in references))
        return ("\r\n".join(lines) + "\r\n").encode()

    def _entry(self, rep, folders, raw, message_id, reply, references, sender, others, at, outgoing, kind="talk"):
        addresses = [sender[1]] + [o[1] for o in others]
        mine = {r["email"] for r in self.world.reps}
        people = sorted({p for a in addresses if a not in mine for p in self.world.by_email.get(a.lower(), [])})
        flags = ["\\Seen"] if outgoing or self.rng.random() < 0.7 else []
        return {"account": rep["id"], "folders": folders, "flags": flags, "sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw),
                "messageId": message_id, "inReplyTo": reply, "references": references, "from": sender[1], "to": [o[1] for o in others],
                "people": people, "at": at, "outgoing": outgoing, "conversation": self.conversation}

    def _single(self, subject, sender, raw_of, folder, age):
        rep = self.world.reps[self.conversation % len(self.world.reps)]
        at, message_id = self._when(age), self._id(sender[1].partition("@")[2])
        others = [(rep["name"], rep["email"])]
        head = self._headers(sender, others, subject, at, message_id, [], [], "utf-8")
        raw = raw_of(head)
        return self._entry(rep, [folder], raw, message_id, [], [], sender, others, at, False), raw

    def _spam(self):
        rng = self.rng
        page = text = f"{rng.choice(SPAM)} " * rng.randint(3, 30)
        kind, body = compose.text_part(f"<html><font size=7 color=red>{page}</font><a href='http://203.0.113.9/{rng.getrandbits(40):x}'>CLICK</a></html>",
                                       "html", "iso-8859-1", rng)
        return self._single(rng.choice(SPAM), (text[:12], f"win{rng.getrandbits(20)}@bulk.example"),
                            lambda head: head + kind + b"\r\n" + body, rng.choice(("Junk", "Junk", "INBOX")), rng.uniform(1, 120))

    def _newsletter(self):
        rng = self.rng
        sentences = LANGUAGES["en"][1]
        kind, body = compose.text_part("\n\n".join(rng.choice(sentences) for _ in range(30)), "plain", "utf-8", rng)
        return self._single("Our news this month", ("The Newsletter", "news@letters.example"),
                            lambda head: head + b"List-Id: <news.letters.example>\r\nList-Unsubscribe: <https://letters.example/u>\r\n"
                            b"Precedence: bulk\r\n" + kind + b"\r\n" + body, "INBOX", rng.uniform(1, 120))

    def _broken(self):
        kind = compose.BROKEN[self.conversation % len(compose.BROKEN)]
        person = self.rng.choice(self.world.people)
        return self._single(f"Broken: {kind}", (person["name"], person["emails"][0]),
                            lambda head: compose.broken(kind, head, self.rng), "INBOX", self.rng.uniform(1, 120))


class Maildirs:
    """Writes messages where Dovecot reads them."""

    def __init__(self, root, start=0):
        self.root, self.count, self.made = pathlib.Path(root), start, set()

    def folder(self, email, name):
        path = maildir_folder(self.root / email / "Maildir", name)
        if path not in self.made:
            for sub in ("cur", "new", "tmp"):
                (path / sub).mkdir(parents=True, exist_ok=True)
            if name != "INBOX":
                (path / "maildirfolder").touch()
            self.made.add(path)
        return path

    def put(self, email, folder, raw, at, flags=()):
        self.count += 1
        letters = "".join(sorted({"\\Seen": "S", "\\Answered": "R", "\\Flagged": "F", "\\Draft": "D"}[f] for f in flags))
        path = self.folder(email, folder)
        name = f"{at}.M{self.count}P1.demo,S={len(raw)},W={len(raw)}"
        temporary = path / "tmp" / name
        temporary.write_bytes(raw)
        os.utime(temporary, (at, at))
        target = path / "cur" / f"{name}:2,{letters}"
        temporary.rename(target)
        return target


def generate(out, messages=2000, accounts=3, seed=1, preset="demo", deals=200):
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    world = World(seed, accounts, deals)
    maildirs = Maildirs(out / "mail")
    emails = {rep["id"]: rep["email"] for rep in world.reps}
    for email in emails.values():
        for folder in FOLDERS:
            maildirs.folder(email, folder)
        (out / "mail" / email / "Maildir" / "subscriptions").write_text("V\t2\n\n" + "".join(
            f.replace("/", "\t") + "\n" for f in FOLDERS if f != "INBOX"))
    entries = []
    for entry, raw in Mail(world, messages, preset):
        for folder in entry["folders"]:
            maildirs.put(emails[entry["account"]], folder, raw, entry["at"], entry["flags"])
        entries.append(entry)
    with open(out / "mirror.ndjson", "w") as file:
        file.writelines(json.dumps(x, ensure_ascii=False) + "\n" for x in world.mirror())
    ledger = {"seed": seed, "reps": world.reps, "people": world.people, "items": world.items, "messages": entries}
    (out / "ledger.json").write_text(json.dumps(ledger, ensure_ascii=False))
    return ledger


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--messages", type=int)
    parser.add_argument("--accounts", type=int)
    parser.add_argument("--deals", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--preset", choices=("demo", "bench"), default="demo")
    args = parser.parse_args()
    bench = args.preset == "bench"
    ledger = generate(args.out, args.messages or (10000 if bench else 2000), args.accounts or (1 if bench else 3), args.seed, args.preset, args.deals)
    sizes = sorted(m["size"] for m in ledger["messages"])
    print(f"{len(sizes)} messages, {sum(sizes) / 1e6:.1f} MB, median {sizes[len(sizes) // 2] / 1000:.1f} KB, mean {sum(sizes) / len(sizes) / 1000:.1f} KB")


if __name__ == "__main__":
    main()
