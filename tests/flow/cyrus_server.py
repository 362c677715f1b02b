"""A Cyrus IMAP server of one's own: another kind than Dovecot. It is not in the bootstrap (its package removes Dovecot's): unpack
cyrus-imapd, cyrus-common and sasl2-bin, and the libraries that the system lacks, with dpkg -x, and set MAILWEAVE_CYRUS to that folder."""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(os.environ.get("MAILWEAVE_CYRUS", "/"))
BIN = ROOT / "usr/lib/cyrus/bin"
MISSING = None if (BIN / "imapd").exists() and (ROOT / "usr/sbin/saslpasswd2").exists() else f"no Cyrus IMAP under {ROOT} (MAILWEAVE_CYRUS)"

IMAPD = """configdirectory: {dir}/conf
partition-default: {dir}/part
defaultpartition: default
proc_path: {dir}/proc
mboxname_lockpath: {dir}/lock
cyrus_user: {user}
virtdomains: userid
defaultdomain: example.test
servername: cyr.example.test
sasl_mech_list: PLAIN
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {dir}/sasldb2
autocreate_quota: 0
autocreate_post: 1
autocreate_inbox_folders: Sent|Drafts|Trash|Junk|Archive
xlist-sent: Sent
xlist-drafts: Drafts
xlist-trash: Trash
xlist-junk: Junk
xlist-archive: Archive
conversations: 1
conversations_db: twoskip
unixhierarchysep: yes
altnamespace: yes
tls_server_cert: {cert}
tls_server_key: {key}
"""
SERVICES = """START {{
  recover cmd="{bin}/ctl_cyrusdb -C {dir}/imapd.conf -r"
}}
SERVICES {{
  imaps cmd="{bin}/imapd -C {dir}/imapd.conf -s -U 30" listen="127.0.0.1:{port}" proto=tcp4 prefork=0
}}
EVENTS {{
}}
"""


class Cyrus:
    def __init__(self, folder, cert, key, users):
        """users: name → password. Its processes run as nobody if these run as root, for it refuses to be root."""
        self.dir, self.user = pathlib.Path(folder), "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        for name in ("conf", "part", "proc", "lock", "conf/db", "conf/socket", "conf/user", "conf/quota", "conf/log", "conf/msg", "conf/proc"):
            (self.dir / name).mkdir(parents=True, exist_ok=True)
        for name, path in (("cert", cert), ("key", key)):
            shutil.copy(path, self.dir / f"{name}.pem")
        (self.dir / "imapd.conf").write_text(IMAPD.format(dir=self.dir, user=self.user, cert=self.dir / "cert.pem", key=self.dir / "key.pem"))
        (self.dir / "cyrus.conf").write_text(SERVICES.format(dir=self.dir, bin=BIN, port=self.port))
        libraries = [str(p.parent) for p in ROOT.glob("usr/lib/*/libcyrus.so.0")]
        self.env = dict(os.environ, LD_LIBRARY_PATH=":".join(libraries))
        for name, password in users.items():
            subprocess.run([ROOT / "usr/sbin/saslpasswd2", "-p", "-c", "-f", self.dir / "sasldb2", "-u", "cyr.example.test", name],
                           input=password.encode(), env=self.env, check=True)
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", self.user, self.dir], check=True)
        self.log = open(self.dir.parent / "cyrus.log", "wb")
        self.process = None
        self.up()

    def up(self):
        words = [BIN / "master", "-C", self.dir / "imapd.conf", "-M", self.dir / "cyrus.conf", "-p", self.dir / "conf/master.pid", "-D"]
        if os.geteuid() == 0:
            words = ["setpriv", "--reuid", self.user, "--regid", str(pwd.getpwnam(self.user).pw_gid), "--clear-groups", *words]
        self.process = subprocess.Popen(list(map(str, words)), env=self.env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        start_new_session=True)
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None, "Cyrus does not run: " + (self.dir.parent / "cyrus.log").read_text(errors="replace")[-800:]
                time.sleep(0.1)
        raise AssertionError("Cyrus does not listen")

    def down(self):
        if not self.process:
            return
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(20)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process = None
