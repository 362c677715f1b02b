"""A mail account as an IMAP server holds it: mailboxes with messages, and what is answered where no dialogue says something else."""
import base64
import email.utils
import hashlib
import re
import threading
import time

WORDS = {0: "sky", 1: "sea", 2: "hill"}


def mail(number, extra=b""):
    """Message <number>: the same octets every time."""
    date = email.utils.formatdate(1756700000 + 600 * number, usegmt=True)
    return (f"From: Customer {number} <c{number}@elsewhere.example>\r\nTo: someone@sales.example\r\nSubject: mail {number}\r\nDate: {date}\r\n"
            f"Message-ID: <mail.{number}@elsewhere.example>\r\n\r\nThe {WORDS[number % 3]} of {number}.\r\n").encode() + extra


def from_utf7(name):
    """RFC 3501 section 5.1.3"""
    def part(found):
        text = found.group(1).replace(",", "/")
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-16-be") if text else "&"
    return re.sub(r"&([^-]*)-", part, name)


def quoted(name):
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Message:
    def __init__(self, uid, number, raw, modseq):
        self.uid, self.number, self.raw, self.modseq, self.flags, self.labels = uid, number, raw, modseq, [], []
        self.date = "01-Sep-2025 10:00:00 +0000"
        self.email_id = str(1000 + number)  # a copy has the same: RFC 8474 section 5.1

    def ids(self, command):
        """The server's own names of it, as far as they are asked for (RFC 8474, X-GM-EXT-1)."""
        said = ""
        if "EMAILID" in command:
            said += f" EMAILID (M{self.email_id})"
        if "X-GM-MSGID" in command:
            said += f" X-GM-MSGID {self.email_id}"
        if "X-GM-LABELS" in command:
            said += f" X-GM-LABELS ({' '.join(quoted(label) for label in self.labels)})"
        return said


class Mailbox:
    def __init__(self, name, validity=1, attributes="\\HasNoChildren", delimiter="/", id=None):
        self.name, self.validity, self.attributes, self.delimiter = name, validity, attributes, delimiter
        self.id = id or "F" + hashlib.sha256(name.encode()).hexdigest()[:12]
        self.messages, self.uidnext, self.modseq = [], 1, 1

    def add(self, number, raw=None):
        self.modseq += 1
        self.messages.append(Message(self.uidnext, number, raw or mail(number), self.modseq))
        self.uidnext += 1

    def with_uid(self, uid):
        return next((m for m in self.messages if m.uid == uid), None)

    def flag(self, uid, flag, on=True):
        m = self.with_uid(uid)
        self.modseq += 1
        m.modseq = self.modseq
        m.flags = [f for f in m.flags if f != flag] + ([flag] if on else [])

    def label(self, uid, label, on=True):
        m = self.with_uid(uid)
        self.modseq += 1
        m.modseq = self.modseq
        m.labels = [x for x in m.labels if x != label] + ([label] if on else [])

    def expunge(self, uid):
        self.modseq += 1
        self.messages.remove(self.with_uid(uid))

    def renumber(self, validity):
        """The same mail under other numbers, as after a mailbox was restored."""
        self.validity = validity
        for i, m in enumerate(self.messages):
            m.uid = 10 * validity + 2 * i
        self.uidnext = 10 * validity + 2 * len(self.messages)


class Model:
    def __init__(self):
        self.boxes = {}
        self.renamed = {}  # new name -> old name
        self.given = {}  # number of a message -> how often its body was given
        self.lock = threading.RLock()
        self.sessions = []

    def box(self, name):
        return self.boxes.get("INBOX" if name.upper() == "INBOX" else name)

    def change(self, verb, *words):
        """One change, as a dialogue writes it; every session in IDLE hears of it."""
        with self.lock:
            if verb == "mailbox":
                self._create(*words)
            elif verb == "forget":
                del self.boxes[words[0]]
            elif verb == "rename":
                self.boxes[words[1]] = self.boxes.pop(words[0])
                self.boxes[words[1]].name = words[1]
                self.renamed[words[1]] = words[0]
            else:
                self._change_box(self.box(words[0]), verb, words[1:])
            for session in self.sessions:
                session.ring()

    def _create(self, name, count="0", *options):
        box = Mailbox(name, **dict(o.split("=", 1) for o in options))
        box.validity = int(box.validity)
        if ".." in count or "," in count:
            for n in numbers(count):
                box.add(n)
        else:
            for n in range(1, int(count) + 1):
                box.add(n)
        self.boxes[name] = box

    @staticmethod
    def _change_box(box, verb, words):
        if verb == "add":
            for word in words:
                for n in numbers(word):
                    box.add(n)
        elif verb == "burn":  # numbers that no message has
            box.uidnext += int(words[0])
        elif verb == "put":  # a message under a number of its own
            box.add(int(words[1]))
            box.messages[-1].uid = int(words[0])
            box.messages.sort(key=lambda m: m.uid)
            box.uidnext = max(box.uidnext - 1, int(words[0]) + 1)
        elif verb == "date":  # it came so many days ago
            box.with_uid(int(words[0])).date = time.strftime("%d-%b-%Y 10:00:00 +0000", time.gmtime(time.time() - 86400 * int(words[1])))
        elif verb == "flag":
            box.flag(int(words[0]), words[1])
        elif verb in ("label", "unlabel"):
            for uid in numbers(words[0]):
                box.label(uid, words[1], verb == "label")
        elif verb == "scanned":  # the same message, other octets
            box.add(int(words[0]), mail(int(words[0]), b"-- scanned --\r\n"))
        elif verb == "mistake":  # a message with the server's id of another
            box.add(int(words[0]))
            box.messages[-1].email_id = str(1000 + int(words[1]))
        elif verb == "expunge":
            box.expunge(int(words[0]))
        elif verb == "revalidate":  # another UIDVALIDITY, the numbers as they were
            box.validity += 1
        elif verb == "renumber":
            box.renumber(int(words[0]))
        elif verb == "attributes":
            box.attributes = " ".join(words)
        else:
            raise ValueError(f"a dialogue says {verb}")


def numbers(word):
    """"1..3,7" → 1 2 3 7"""
    out = []
    for part in word.split(","):
        first, _, last = part.partition("..")
        out += range(int(first), int(last or first) + 1)
    return out


def in_set(text, box):
    top = box.messages[-1].uid if box.messages else 0
    found = set()
    for part in text.split(","):
        first, _, last = part.partition(":")
        ends = [top if e == "*" else int(e) for e in (first, last or first)]
        found |= {m.uid for m in box.messages if min(ends) <= m.uid <= max(ends)}
    return found


class Session:
    """What one connection knows of the model. `say` writes a line, `ring` is called when the model changed."""

    def __init__(self, model, caps, say, ring, mechanism="PLAIN"):
        self.model, self.say, self.ring = model, say, ring
        self.caps = caps if "LOGINDISABLED" in caps else f"{caps} AUTH={mechanism} SASL-IR"
        self.selected, self.seen, self.seen_modseq = None, [], 0
        self.utf8 = "IMAP4rev1" not in self.caps.split()

    def name(self, box):
        """As it goes over this connection; the model has names in modified UTF-7."""
        return quoted(from_utf7(box.name).encode().decode("latin-1") if self.utf8 else box.name)

    def has(self, cap):
        return cap in self.caps.split()

    def news(self):
        """Untagged responses about what changed since the last time."""
        with self.model.lock:
            box = self.model.boxes.get(self.selected)
            if not box:
                return
            now = [m.uid for m in box.messages]
            for at in range(len(self.seen) - 1, -1, -1):
                if self.seen[at] not in now:
                    self.say(f"* {at + 1} EXPUNGE")
                    del self.seen[at]
            for at, m in enumerate(box.messages):
                if m.modseq > self.seen_modseq and m.uid in self.seen:
                    self.say(f"* {at + 1} FETCH (FLAGS ({' '.join(m.flags)}))")
            if len(now) > len(self.seen):
                self.say(f"* {len(now)} EXISTS")
            self.seen, self.seen_modseq = now, box.modseq

    def answer(self, tag, command):
        verb = command.split()[0].upper()
        if verb == "UID":
            verb = "UID_" + command.split()[1].upper()
        if verb not in ("UID_FETCH", "UID_SEARCH"):
            self.news()
        with self.model.lock:
            said = getattr(self, "do_" + verb.lower(), self.do_unknown)(command)
        self.say(f"{tag} {said or 'OK done'}")

    def do_unknown(self, command):
        return "BAD what?"

    def do_capability(self, command):
        self.say(f"* CAPABILITY {self.caps}")

    def do_noop(self, command):
        return None

    do_check = do_noop

    def do_enable(self, command):
        agreed = [word for word in command.split()[1:] if self.has(word) or (word == "UTF8=ACCEPT" and self.has("UTF8=ONLY"))]
        self.utf8 = self.utf8 or "UTF8=ACCEPT" in agreed or "IMAP4rev2" in agreed
        self.say("* ENABLED" + "".join(f" {word}" for word in agreed))

    def do_id(self, command):
        self.say("* ID NIL")

    def do_login(self, command):
        return "OK in"

    def do_list(self, command):
        for box in self.model.boxes.values():
            delimiter = "NIL" if box.delimiter == "NIL" else quoted(box.delimiter)
            self.say(f"* LIST ({box.attributes}) {delimiter} {self.name(box)}{self.old_name(box)}")
            if "STATUS (" in command and "Noselect" not in box.attributes:
                self.status(box)

    def old_name(self, box):
        """What a renamed one was called (RFC 9051 section 7.3.1)."""
        was = self.model.renamed.get(box.name) if self.has("IMAP4rev2") else None
        return f' ("OLDNAME" ({quoted(was)}))' if was else ""

    def status(self, box):
        more = f" HIGHESTMODSEQ {box.modseq}" if self.has("CONDSTORE") else ""
        more += f" MAILBOXID ({box.id})" if self.has("OBJECTID") else ""
        self.say(f"* STATUS {self.name(box)} (MESSAGES {len(box.messages)} UIDNEXT {box.uidnext} UIDVALIDITY {box.validity}{more})")

    def named(self, command):
        name = re.match(r'\w+ ("((?:[^"\\]|\\.)*)"|\S+)', command)
        text = name.group(2) if name.group(2) is not None else name.group(1)
        text = re.sub(r"\\(.)", r"\1", text)
        if self.utf8:
            text = text.encode("latin-1").decode()
            return next((b for b in self.model.boxes.values() if from_utf7(b.name).upper() == text.upper()), None)
        return self.model.box(text)

    def do_status(self, command):
        box = self.named(command)
        if not box:
            return "NO [NONEXISTENT] no such mailbox"
        self.status(box)
        return None

    def do_select(self, command):
        box = self.named(command)
        self.selected = None
        if not box or "Noselect" in box.attributes:
            return "NO [NONEXISTENT] no such mailbox"
        self.say("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)")
        self.say(f"* {len(box.messages)} EXISTS")
        if not self.has("IMAP4rev2"):
            self.say("* 0 RECENT")
        self.say(f"* OK [UIDVALIDITY {box.validity}] valid")
        self.say(f"* OK [UIDNEXT {box.uidnext}] next")
        if self.has("CONDSTORE"):
            self.say(f"* OK [HIGHESTMODSEQ {box.modseq}] highest")
        if self.has("OBJECTID"):
            self.say(f"* OK [MAILBOXID ({box.id})] own id")
        self.selected, self.seen, self.seen_modseq = box.name, [m.uid for m in box.messages], box.modseq
        return f"OK [{'READ-WRITE' if command.upper().startswith('SELECT') else 'READ-ONLY'}] selected"

    do_examine = do_select

    def box(self):
        return self.model.boxes.get(self.selected) or self.model.boxes["INBOX"]  # a dialogue may have played the SELECT

    def do_uid_search(self, command):
        box = self.box()
        word = re.search(r"UID ([\d:,*]+)", command[4:])
        found = sorted(in_set(word.group(1), box) if word else {m.uid for m in box.messages})
        if "UNDRAFT" in command:
            found = [u for u in found if "\\Draft" not in box.with_uid(u).flags]
        part = re.search(r"RETURN \(PARTIAL -1:-(\d+)\)", command)
        if part and self.has("PARTIAL"):  # the last so many (RFC 9394)
            found = found[-int(part.group(1)):]
            self.say(f'* ESEARCH (TAG "x") UID PARTIAL (-1:-{part.group(1)} {",".join(map(str, found)) or "NIL"})')
        elif "RETURN" in command or self.has("IMAP4rev2"):
            self.say("* ESEARCH (TAG \"x\") UID" + (f" ALL {','.join(map(str, found))}" if found else ""))
        else:
            self.say("* SEARCH" + "".join(f" {u}" for u in found))

    def do_uid_fetch(self, command):
        box = self.box()
        found, since = in_set(command.split()[2], box), re.search(r"CHANGEDSINCE (\d+)", command)
        for at, m in enumerate(box.messages):
            if m.uid not in found or (since and m.modseq <= int(since.group(1))):
                continue
            head = f"* {at + 1} FETCH (UID {m.uid} FLAGS ({' '.join(m.flags)}){m.ids(command)}"
            head += f" RFC822.SIZE {len(m.raw)}" if "RFC822.SIZE" in command and "BODY.PEEK[]" not in command else ""
            if "BODY.PEEK[]" in command:
                self.model.given[m.number] = self.model.given.get(m.number, 0) + 1
                self.say(f"{head} INTERNALDATE \"{m.date}\" RFC822.SIZE {len(m.raw)} BODY[] {{{len(m.raw)}}}\r\n".encode() + m.raw + b")")
            elif "INTERNALDATE" in command:
                self.say(head + f" INTERNALDATE \"{m.date}\")")
            else:
                self.say(head + (f" MODSEQ ({m.modseq}))" if since else ")"))

    def do_uid_store(self, command):
        box = self.box()
        flags = re.search(r"FLAGS \((.*)\)", command).group(1).split()
        for uid in in_set(command.split()[2], box):
            for flag in flags:
                box.flag(uid, flag, "+FLAGS" in command)

    def do_append(self, command):
        box = self.named(command)
        box.add(0, command.encode("latin-1").partition(b"\r\n")[2])

    def do_logout(self, command):
        self.say("* BYE")
