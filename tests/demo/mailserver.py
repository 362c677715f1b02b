#!/usr/bin/python3
"""mailserver up|down DIR [USER=PASSWORD…]: a loopback Dovecot over TLS with a CA of its own, as an ordinary user, on free ports.

IMAP (imaps), submission (submissions, and submission with STARTTLS), LMTP; what is submitted goes to postfix' smtp-sink, which keeps
each message as a file in DIR/sent. DIR/server.json says where everything is."""
import hashlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time

PORTS = ("imaps", "imap", "submissions", "submission", "lmtp", "sink")

CONF = """\
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/log/dovecot.log
info_log_path = {dir}/log/info.log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
first_valid_gid = 1
mail_home = {dir}/mail/%u
mail_location = maildir:~/Maildir:INDEX=~/index
mailbox_list_index = yes
maildir_very_dirty_syncs = yes
protocols = imap submission lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{dir}/tls/cert.pem
ssl_key = <{dir}/tls/key.pem
auth_mechanisms = plain login
auth_failure_delay = 0
auth_verbose = yes
mail_max_userip_connections = {connections}
submission_relay_host = 127.0.0.1
submission_relay_port = {sink}
submission_max_mail_size = 40M
hostname = mail.sales.example
import_environment = TZ
passdb {{
  driver = passwd-file
  args = username_format=%u {dir}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {dir}/users
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    auto = subscribe
    special_use = \\Drafts
  }}
  mailbox Sent {{
    auto = subscribe
    special_use = \\Sent
  }}
  mailbox Trash {{
    auto = subscribe
    special_use = \\Trash
  }}
  mailbox Junk {{
    auto = subscribe
    special_use = \\Junk
  }}
  mailbox Archive {{
    auto = subscribe
    special_use = \\Archive
  }}
}}
# Without this a failed login makes every later one slower.
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap {{
  process_limit = 1200
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service submission-login {{
  chroot =
  inet_listener submission {{
    port = {submission}
  }}
  inet_listener submissions {{
    port = {submissions}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
{extra}
"""


def free_ports(count):
    """Ports nobody listens on now, below the range the kernel hands out by itself."""
    found, start = [], 20000 + os.getpid() * 7 % 10000
    for port in range(start, 32700):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError("no free ports")


def alive(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def passable(path):
    """Every folder on the way may be entered by anybody."""
    return all(p.stat().st_mode & 0o001 for p in [path, *path.parents] if p.exists())


class MailServer:
    def __init__(self, directory, connections=40, extra=""):
        directory = pathlib.Path(directory).resolve()
        self.root = os.getuid() == 0
        if self.root and not passable(directory.parent):
            # Dovecot never runs as root, and nobody else may enter there.
            name = "mailweave-demo-" + hashlib.sha256(str(directory).encode()).hexdigest()[:12]
            directory = pathlib.Path("/var/tmp") / name
        self.dir = directory
        owner = pwd.getpwnam("nobody") if self.root else pwd.getpwuid(os.getuid())
        self.user, self.uid, self.gid = owner.pw_name, owner.pw_uid, owner.pw_gid
        self.connections, self.extra = connections, extra
        self.ports, self.users = {}, {}
        kept = self.dir / "server.json"
        if kept.exists():
            data = json.loads(kept.read_text())
            self.ports, self.users = data["ports"], data["users"]
        else:
            self.ports = dict(zip(PORTS, free_ports(len(PORTS))))

    @property
    def ca(self):
        return self.dir / "tls" / "ca.pem"

    @property
    def mail(self):
        return self.dir / "mail"

    @property
    def sent(self):
        return self.dir / "sent"

    def _as_user(self, *words):
        return (["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"] if self.root else []) + [str(w) for w in words]

    def _own(self, *paths):
        if self.root:
            subprocess.run(["chown", "-R", f"{self.uid}:{self.gid}", *map(str, paths)], check=True)

    def _certificates(self):
        tls = self.dir / "tls"
        if (tls / "cert.pem").exists():
            return
        tls.mkdir(exist_ok=True)
        (tls / "san").write_text("subjectAltName=DNS:localhost,DNS:mail.sales.example,IP:127.0.0.1\n")
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        for words in (["req", "-x509", *key, "-days", "3650", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=mailweave demo CA"],
                      ["req", *key, "-keyout", "key.pem", "-out", "request", "-subj", "/CN=localhost"],
                      ["x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "3650",
                       "-extfile", "san", "-out", "cert.pem"]):
            subprocess.run(["openssl", *words], cwd=tls, check=True, capture_output=True)

    def add_user(self, email, password):
        """Known at once: Dovecot reads the file at every login."""
        self.users[email] = password
        if (self.dir / "server.json").exists():
            self._save()

    def _save(self):
        users = self.dir / "users"
        users.with_suffix(".new").write_text("".join(f"{u}:{{PLAIN}}{p}::::::\n" for u, p in self.users.items()))
        self._own(users.with_suffix(".new"))
        users.with_suffix(".new").rename(users)
        (self.dir / "server.json").write_text(json.dumps({"ports": self.ports, "users": self.users, "dir": str(self.dir), "ca": str(self.ca)}))

    def pids(self):
        found = []
        for name in ("run/master.pid", "sink.pid"):
            try:
                pid = int((self.dir / name).read_text())
                if alive(pid):
                    found.append(pid)
            except (OSError, ValueError):
                pass
        return found

    def up(self):
        if len(self.pids()) == 2:
            return self
        self.down()
        for name in ("mail", "log", "sent"):
            (self.dir / name).mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.dir / "run", ignore_errors=True)
        (self.dir / "run").mkdir()
        self.dir.chmod(0o755)
        self._certificates()
        self._save()
        (self.dir / "dovecot.conf").write_text(CONF.format(dir=self.dir, user=self.user, group=self._group(), connections=self.connections,
                                                           extra=self.extra, **self.ports))
        self._own(self.dir)
        self._start_sink()
        with open(self.dir / "log" / "start", "ab") as log:  # never a pipe: the master keeps it open
            subprocess.run(self._as_user("/usr/sbin/dovecot", "-c", self.dir / "dovecot.conf"), check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait("imaps")
        self._wait("submissions")
        return self

    def _group(self):
        import grp
        return grp.getgrgid(self.gid).gr_name

    def _start_sink(self):
        with open(self.dir / "log" / "sink", "ab") as log:
            sink = subprocess.Popen(self._as_user("/usr/sbin/smtp-sink", "-d", "%s/%%Y%%m%%d%%H%%M%%S." % self.sent,
                                                  f"127.0.0.1:{self.ports['sink']}", "100"), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    start_new_session=True, cwd=self.dir)
        (self.dir / "sink.pid").write_text(f"{sink.pid}\n")
        self._wait("sink")

    def _wait(self, service, seconds=15):
        end = time.monotonic() + seconds
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.ports[service]), 1).close()
                return
            except OSError:
                if time.monotonic() > end:
                    raise RuntimeError(f"{service} does not listen; see {self.dir}/log") from None
                time.sleep(0.02)

    def down(self):
        for pid in self.pids():
            os.kill(pid, signal.SIGTERM)
            end = time.monotonic() + 10
            while alive(pid) and time.monotonic() < end:
                time.sleep(0.02)
        (self.dir / "sink.pid").unlink(missing_ok=True)

    def doveadm(self, *words):
        run = subprocess.run(self._as_user("doveadm", "-c", self.dir / "dovecot.conf", *words), capture_output=True, text=True, check=True)
        return run.stdout

    def delivered(self, *emails):
        """After files were written into maildirs by another user: gives them to the server's."""
        self._own(*(self.mail / e for e in emails) if emails else [self.mail])


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("up", "down"):
        sys.exit(__doc__)
    server = MailServer(sys.argv[2])
    if sys.argv[1] == "down":
        server.down()
        return
    for text in sys.argv[3:]:
        server.add_user(*text.split("=", 1))
    server.up()
    print((server.dir / "server.json").read_text())


if __name__ == "__main__":
    main()
