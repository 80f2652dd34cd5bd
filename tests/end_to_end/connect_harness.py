"""casemate connect as a process, and a gateway of Python's ssl module that does what a test wants."""
import contextlib
import http.client
import http.server
import json
import pathlib
import signal
import socket
import ssl
import subprocess
import threading
import time

from harness import CASEMATE, run


class Connect:
    """One `casemate connect`, from start to stop()."""

    def __init__(self, base, key, *arguments, listen=("--listen", "127.0.0.1:0"), wait=30):
        self.base = pathlib.Path(base)
        self.base.mkdir(parents=True, exist_ok=True)
        self.key_file = self.base / "key"
        self.key_file.write_text(key + "\n")
        self.key_file.chmod(0o600)
        self.token_file = self.base / "token"
        self.ready = self.base / "ready"
        self.ready.unlink(missing_ok=True)
        self.log = self.base / "connect.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [CASEMATE, "connect", "--key-file", self.key_file, "--token-file", self.token_file, "--ready-file",
                 self.ready, *listen, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + wait
        while not self.ready.exists() and self.process.poll() is None:
            if time.monotonic() > end:
                raise AssertionError(f"connect is not ready after {wait} s:\n{self.log_text()}")
            time.sleep(0.02)
        self.address = self.ready.read_text().strip() if self.ready.exists() else None

    @property
    def token(self):
        return self.token_file.read_text().strip()

    @property
    def url(self):
        return f"http://{self.address}"

    def log_text(self):
        return self.log.read_text(errors="replace")

    def wait_for_log(self, text, seconds=10):
        end = time.monotonic() + seconds
        while text not in self.log_text():
            if time.monotonic() > end:
                raise AssertionError(f"'{text}' is not in the log:\n{self.log_text()}")
            time.sleep(0.02)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            return self.process.wait(timeout=10)
        return self.process.returncode

    def ask(self, method="GET", path="/v1/models", body=None, token=None, headers=None):
        """One request; returns (status, headers, body)."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        with contextlib.closing(connection):
            fields = {"Authorization": f"Bearer {self.token if token is None else token}", **(headers or {})}
            connection.request(method, path, body=body, headers={k: v for k, v in fields.items() if v})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()

    def chat(self, content="What is a tower?", path="/v1/chat/completions", **more):
        body = {"model": "casemate-answer", "max_tokens": 16, "temperature": 0,
                "messages": [{"role": "user", "content": content}], **more}
        return self.ask("POST", path, json.dumps(body), headers={"Content-Type": "application/json"})

    def openai(self):
        import openai
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=self.token, max_retries=0, timeout=120)


class Authority:
    """A CA made by openssl, with one server certificate for 127.0.0.1."""

    def __init__(self, base, name="127.0.0.1"):
        self.base = pathlib.Path(base)
        self.base.mkdir(parents=True, exist_ok=True)
        self.ca, self.leaf, self.leaf_key = self.base / "ca.pem", self.base / "leaf.pem", self.base / "leaf.key"
        ca_key, request = self.base / "ca.key", self.base / "leaf.csr"
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        run("openssl", "req", "-x509", *new_key, "-keyout", ca_key, "-out", self.ca, "-subj", "/CN=test", "-days", "2",
            "-addext", "keyUsage=critical,keyCertSign")
        run("openssl", "req", *new_key, "-keyout", self.leaf_key, "-out", request, "-subj", "/CN=leaf")
        extensions = self.base / "leaf.ext"
        alternative = f"IP:{name}" if name[0].isdigit() else f"DNS:{name}"
        extensions.write_text(f"subjectAltName={alternative}\nextendedKeyUsage=serverAuth\n")
        run("openssl", "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", ca_key, "-out", self.leaf, "-days", "2",
            "-extfile", extensions)

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.leaf, self.leaf_key)
        return context


class FakeGateway:
    """A hybrid TLS server whose answers a test writes: handler(request) with http.server's methods."""

    def __init__(self, authority, handler):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("content-length", 0))
                self.body = self.rfile.read(length)
                handler(self)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self):
                connection, address = super().get_request()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

            def handle_error(self, *_):
                pass

        context = authority.server_context()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def send(request, status, headers, body=b""):
    request.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)


def send_chunk(request, piece):
    request.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    request.wfile.flush()
