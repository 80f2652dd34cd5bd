"""What requests leave behind in the memory of every process, beside what llama-server leaves."""
import json
import os
import random
import signal
import socket
import ssl
import string
import subprocess
import time
import urllib.error
import urllib.request

from harness import CASEMATE, ROOT, EndToEnd, main

MODEL = ROOT / "models/casemate-answer-q8_0.gguf"


def new_canary():
    """32 characters, of which no other text has a part."""
    return "".join(random.SystemRandom().choices(string.ascii_lowercase + string.digits, k=32))


def sentence(canary):
    return f"What is the word {canary} in the vault?"


class LlamaServer:
    """The packaged llama-server on loopback: the comparison, and a tokenizer of the same model."""

    def __init__(self, *arguments):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            ["llama-server", "-m", str(MODEL), "--host", "127.0.0.1", "--port", str(self.port), "-t", "1",
             "--offline", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(400):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2).read()
                return
            except (urllib.error.URLError, OSError):
                if self.process.poll() is not None:
                    raise AssertionError(f"llama-server ended with {self.process.returncode}")
                time.sleep(0.05)
        raise AssertionError("llama-server did not answer in 20 s")

    def post(self, path, body):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(),
                                         {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def tokens(self, text):
        return self.post("/tokenize", {"content": text})["tokens"]

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


def tokens_of(server, canary):
    """Ids of the canary within a text, without those that its neighbours may share."""
    whole = server.tokens(f"word {canary} in")
    head, tail = server.tokens("word"), server.tokens(" in")
    assert whole[:len(head)] == head and whole[-len(tail):] == tail, "the canary's tokens have no clear border"
    return whole[len(head):-len(tail)]


def scan(canary, tokens, *where):
    """The report of `casemate residue`: {name: [process]}, the control left out."""
    reader, writer = os.pipe()
    os.write(writer, canary.encode())
    os.close(writer)
    try:
        process = subprocess.run(
            [CASEMATE, "residue", "--canary-fd", str(reader), "--tokens", ",".join(map(str, tokens)), "--json",
             *map(str, where)], pass_fds=[reader], capture_output=True, text=True, timeout=120)
    finally:
        os.close(reader)
    assert process.returncode in (0, 1), process.stderr
    report = json.loads(process.stdout)["processes"]
    assert report[0]["name"] == "(control)" and report[0]["copies"] > 0
    return report[1:]


def table(report):
    lines = []
    for process in report:
        where = ", ".join(f"{f['copies']} {f['encoding']}/{f['place']}" for f in process["findings"])
        lines.append(f"{process['name']:22} {process['scanned_bytes'] >> 10:8} KiB {process['copies']:4}  {where}")
    return "\n".join(lines)


class ResidueTest(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.llama = LlamaServer()
        cls.addClassCleanup(cls.llama.stop)
        cls.key = cls.deployment.key()
        # Rooms and keeper run before the first canary.
        cls.client().chat.completions.create(model="casemate-answer", max_tokens=4,
                                             messages=[{"role": "user", "content": "What is a widget?"}])

    @classmethod
    def client(cls):
        return cls.deployment.openai(cls.key)

    def setUp(self):
        self.canary = new_canary()
        self.tokens = tokens_of(self.llama, self.canary)
        self.assertGreaterEqual(len(self.tokens), 4)

    def report(self):
        return scan(self.canary, self.tokens, "--dir", self.deployment.dir)

    def assert_nothing_left(self, patience=3.0):
        """Counts again until the window has closed everywhere; then nothing may be there."""
        end = time.monotonic() + patience
        while True:
            report = self.report()
            names = {process["name"] for process in report}
            if not any(process["copies"] for process in report) or time.monotonic() > end:
                break
            time.sleep(0.3)
        self.assertLessEqual({"casemate-supervisor", "casemate-front", "casemate-keeper", "casemate-custodian",
                              "casemate-room"}, names)
        if os.environ.get("CASEMATE_RESIDUE_SHOW"):
            print(f"\n{self.id()} {self.canary}\n{table(report)}")
        self.assertEqual(sum(process["copies"] for process in report), 0, "\n" + table(report))

    def raw(self, body, path="/v1/chat/completions", content_type="application/json", read=None):
        """One request over TLS; `read` bytes of the answer, then the connection is cut."""
        context = ssl.create_default_context(cafile=str(self.deployment.dir / "tls/ca.pem"))
        host, port = self.deployment.address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=30) as plain:
            with context.wrap_socket(plain, server_hostname=host) as tls:
                tls.sendall((f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {self.key}\r\n"
                             f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
                             "Connection: close\r\n\r\n").encode() + body)
                got = b""
                while read is None or len(got) < read:
                    piece = tls.recv(4096)
                    if not piece:
                        break
                    got += piece
                return got

    def chat(self, **fields):
        return {"model": "casemate-answer", "max_tokens": 24, "temperature": 0,
                "messages": [{"role": "user", "content": sentence(self.canary)}], **fields}

    def test_the_search_sees_a_request_in_flight(self):
        """The positive control of the whole arrangement: while a request runs, its canary is there."""
        body = json.dumps(self.chat(stream=True, max_tokens=250)).encode()
        context = ssl.create_default_context(cafile=str(self.deployment.dir / "tls/ca.pem"))
        host, port = self.deployment.address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=30) as plain:
            with context.wrap_socket(plain, server_hostname=host) as tls:
                # Half of a body: the front holds it and waits for the rest.
                tls.sendall((f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {self.key}"
                             f"\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()
                            + body[:-1])
                time.sleep(0.3)
                front = [p for p in self.report() if p["name"] == "casemate-front"]
                self.assertGreater(sum(p["copies"] for p in front), 0)
        self.assert_nothing_left()

    def test_after_a_chat(self):
        answer = self.client().chat.completions.create(**self.chat())
        self.assertTrue(answer.choices[0].message.content)
        self.assert_nothing_left()

    def test_after_a_stream(self):
        for _ in self.client().chat.completions.create(**self.chat(stream=True)):
            pass
        self.assert_nothing_left()

    def test_after_a_stream_that_is_cut(self):
        self.raw(json.dumps(self.chat(stream=True, max_tokens=250)).encode(), read=600)
        self.assert_nothing_left()

    def test_after_refused_requests(self):
        for body in (json.dumps(self.chat(model=self.canary)).encode(),
                     json.dumps(self.chat(temperature=self.canary)).encode(),
                     json.dumps(self.chat(**{self.canary: 1})).encode(),
                     json.dumps(self.chat()).encode()[:-1],
                     json.dumps(self.chat()).encode() + b"}",
                     b'{"model": "' + b"".join(b"\\u%04x" % c for c in self.canary.encode()) + b'"}'):
            self.assertRegex(self.raw(body).split(b"\r\n")[0], rb"HTTP/1.1 4\d\d")
        self.raw(b"{}", path=f"/v1/files/{self.canary}?after={self.canary}")
        self.assert_nothing_left()

    def test_after_an_upload_that_is_asked_about_and_erased(self):
        client = self.client()
        text = f"# Vault\n\nThe word {self.canary} in the vault is a kind of plant.\n" * 3
        file = client.files.create(file=(f"{self.canary}.md", text.encode()), purpose="assistants")
        store = client.vector_stores.create(name=self.canary, file_ids=[file.id])
        for _ in range(100):
            if client.vector_stores.retrieve(store.id).file_counts.completed:
                break
            time.sleep(0.1)
        answer = client.responses.create(model="casemate-answer", input=sentence(self.canary),
                                         tools=[{"type": "file_search", "vector_store_ids": [store.id]}])
        self.assertTrue(answer.output_text)
        self.assertIn(self.canary, client.files.content(file.id).text)
        client.vector_stores.search(store.id, query=self.canary)
        client.vector_stores.delete(store.id)
        client.files.delete(file.id)
        self.assert_nothing_left(patience=8)

    def test_after_documents_that_cannot_be_parsed(self):
        folder = self.deployment.base / "broken"
        folder.mkdir(exist_ok=True)
        (folder / f"{self.canary}.pdf").write_bytes(b"%PDF-1.7\n1 0 obj <<" + self.canary.encode() + b">> garbage")
        (folder / f"{self.canary}.html").write_bytes(b"\xff\xfe\x00" + self.canary.encode() + b"\xc3\x28" * 40)
        for name in sorted(folder.iterdir()):
            self.deployment.casemate("ingest", name, "--collection", "broken", check=False)
        client = self.client()
        for store in client.vector_stores.list():
            client.vector_stores.delete(store.id)
        for file in client.files.list():
            client.files.delete(file.id)
        self.assert_nothing_left(patience=8)

    def test_llama_server_keeps_copies(self):
        """The comparison, at its defaults: the same prompt, answered once."""
        self.llama.post("/v1/chat/completions", self.chat())
        time.sleep(1)
        report = scan(self.canary, self.tokens, "--pid", self.llama.process.pid)
        if os.environ.get("CASEMATE_RESIDUE_SHOW"):
            print(f"\n{table(report)}")
        self.assertGreater(report[0]["copies"], 0)


if __name__ == "__main__":
    main()
