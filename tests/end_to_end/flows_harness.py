"""Servers for the tests of `casemate flows`: real ones in each of their configurations, and endpoints that misbehave.
All on loopback; only processes that a test started are ended."""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

from harness import casemate, run

POSTGRES = pathlib.Path("/usr/lib/postgresql/18/bin")
NOBODY = 65534


def enter_own_network():
    """Replaces this process by itself in a network namespace of its own: what is captured on its loopback is this
    test's traffic alone, and capturing there needs no rights over the host's interfaces."""
    if os.environ.get("CASEMATE_OWN_NETWORK"):
        run("ip", "link", "set", "lo", "up")
        return
    as_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    os.environ["CASEMATE_OWN_NETWORK"] = "1"
    os.execvp("unshare", ["unshare", *as_user, "--net", "--", sys.executable, *sys.argv])


def as_somebody_else(folder):
    """The beginning of a command line that runs what refuses to be root as nobody, who then owns `folder`."""
    ids = pathlib.Path("/proc/self/uid_map").read_text().split()
    if ids[:2] == ["0", "0"] and int(ids[2]) > NOBODY:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
        return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
    # One id is all there is: it gets another number.
    return ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"]


def make_certificate(folder, certificate=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
    key, cert = folder / "key.pem", folder / "cert.pem"
    run("openssl", "req", "-x509", "-newkey", *certificate, "-nodes", "-keyout", key, "-out", cert, "-days", "30",
        "-subj", "/CN=localhost")
    key.chmod(0o600)
    return key, cert


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}")


def probe(*arguments):
    done = casemate("flows", "probe", *arguments, "--json", check=False, timeout=60)
    return done.returncode, json.loads(done.stdout)["endpoints"]


def capture(*arguments, code=0):
    done = casemate("flows", "capture", *arguments, "--json", check=False, timeout=60)
    assert done.returncode == code, (done.returncode, done.stderr)
    return json.loads(done.stdout)


class Openssl:
    """openssl s_server with its own certificate, until the end of the block."""

    def __init__(self, *options, certificate=("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), files=None):
        self.options = options
        self.certificate = certificate
        self.files = files

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        key, certificate = self.files or make_certificate(pathlib.Path(self.folder.name), self.certificate)
        self.port = free_port()
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-key", key, "-cert", certificate, "-quiet",
             *self.options], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.port)
        return f"127.0.0.1:{self.port}"

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.folder.cleanup()


class Misbehaving:
    """A server that does to each connection what `act(socket)` says."""

    def __init__(self, act):
        self.act = act

    def __enter__(self):
        act = self.act

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError):
                    act(self.request)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return "127.0.0.1:%d" % self.server.server_address[1]

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Process:
    """A server of somebody else in a folder of its own, until the end of the block."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="casemate-flows-"))
        self.folder.chmod(0o711)
        self.port = free_port()
        self.log = (self.folder / "log").open("w+")
        try:
            self.process = subprocess.Popen([str(word) for word in self.start()], stdin=subprocess.DEVNULL,
                                            stdout=self.log, stderr=self.log, cwd="/")
            wait_for(self.port)
        except BaseException as error:
            self.log.seek(0)
            error.add_note(self.log.read())
            raise
        return self

    def __exit__(self, *_):
        # SIGTERM first: PostgreSQL and sshd have children to end.
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Sshd(Process):
    """OpenSSH's server with a host key made now; nobody can log in."""

    def __init__(self, *key_exchange):
        self.key_exchange = ",".join(key_exchange)

    def start(self):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / "host_key")
        kex = f"KexAlgorithms {self.key_exchange}\n" if self.key_exchange else ""
        (self.folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {self.folder}/host_key\nPidFile none\nUsePAM no\n{kex}")
        return [*as_somebody_else(self.folder), "/usr/sbin/sshd", "-D", "-e", "-f", self.folder / "sshd_config"]

    def __enter__(self):
        super().__enter__()
        # To the end: what it says to the connection that only looked must not come into a capture.
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
            client.sendall(b"no ssh\r\n")
            while client.recv(1000):
                pass
        return self

    @property
    def endpoint(self):
        return f"ssh://127.0.0.1:{self.port}"


class Postgres(Process):
    """PostgreSQL 18 with TLS behind its own SSLRequest."""

    def start(self):
        make_certificate(self.folder)
        self.data = self.folder / "data"
        self.data.mkdir(mode=0o700)
        self.become = as_somebody_else(self.folder)
        run(*self.become, POSTGRES / "initdb", "-D", self.data, "-A", "trust", "-N", "-U", "casemate", "--no-instructions")
        return [*self.become, POSTGRES / "postgres", "-D", self.data, "-p", self.port, "-c",
                "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}", "-c", "ssl=on", "-c",
                f"ssl_cert_file={self.folder}/cert.pem", "-c", f"ssl_key_file={self.folder}/key.pem", "-c", "fsync=off"]

    def set_groups(self, groups):
        """As an operator does: a line of postgresql.conf, and a reload."""
        run(*self.become, "sh", "-c", f"echo \"ssl_groups = '{groups}'\" >> {self.data}/postgresql.auto.conf")
        run(*self.become, POSTGRES / "pg_ctl", "-D", self.data, "reload")

    @property
    def endpoint(self):
        return f"127.0.0.1:{self.port}"


class Tcpdump:
    """What passes on loopback, into a file, until the end of the block."""

    def __init__(self, path, *options):
        self.path = path
        self.options = options

    def __enter__(self):
        self.process = subprocess.Popen(
            ["tcpdump", "-i", "lo", "-Z", "root", "-U", "-B", "65536", "-w", str(self.path), *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        # Its first words say that it listens, or why it cannot.
        said = self.process.stderr.readline()
        if "listening" not in said:
            raise AssertionError("tcpdump: " + said + self.process.stderr.read())
        return self

    def __exit__(self, *_):
        # The kernel hands frames out in blocks, late: the last one is a marker, and it is waited for.
        marker = os.urandom(12)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(marker, ("127.0.0.1", 9))
        for _ in range(400):
            if marker in self.path.read_bytes():
                break
            time.sleep(0.05)
        self.process.terminate()
        said = self.process.stderr.read()
        self.process.wait(20)
        self.process.stderr.close()
        if "\n0 packets dropped by kernel" not in said:
            raise AssertionError("tcpdump: " + said)
