"""Nothing that a client sends reaches a log: markers in bodies, names, headers, queries, file names, passages,
broken JSON, broken multipart, wrong keys and unknown paths, on every route and error path, then a look into
everything that any process wrote, at the most talkative level."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import ssl
import time

from harness import ROOT, EndToEnd, main

MARKER = "Q7canaryX"  # goes into names and into content; in no word of ours


def marker(where):
    return f"{MARKER}{where}{MARKER}"


def routes():
    """Every route that the keeper's router has, from its own table."""
    table = (ROOT / "src/api/router.cc").read_text()
    found = re.findall(r'\{"(GET|POST|DELETE)", "(/[^"]+)"', table)
    assert len(found) > 15, found
    return found


class LogCanaryTest(EndToEnd):
    started = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        config = cls.deployment.dir / "config.toml"
        config.write_text(config.read_text().replace('level = "info"', 'level = "debug"'))
        cls.deployment.start()
        cls.key = cls.deployment.json("key", "create", "--name", marker("keyname"))["key"]
        cls.context = ssl.create_default_context(cafile=str(cls.deployment.dir / "tls/ca.pem"))
        cls.seen = set()

    def ask(self, method, path, body=None, headers=None, key=None):
        host, port = self.deployment.address.rsplit(":", 1)
        connection = http.client.HTTPSConnection(host, int(port), context=self.context, timeout=60)
        with contextlib.closing(connection):
            try:
                connection.request(method, path, body, {"Authorization": f"Bearer {key or self.key}",
                                                        "Content-Type": "application/json", **(headers or {})})
                response = connection.getresponse()
                content = response.read()
            except (http.client.HTTPException, OSError):
                return 0, b""
        self.seen.add(response.status)
        return response.status, content

    def every_route(self):
        headers = {"X-Custom": marker("header"), "User-Agent": marker("agent"), "OpenAI-Organization": marker("org"),
                   "Cookie": marker("cookie"), "X-Request-Id": marker("requestid")}
        # Percent-encoded control characters and a path of another depth, too.
        for method, pattern in routes():
            path = pattern.replace("*", marker("id"))
            for body in (None, marker("plain"), f'{{"{marker("field")}": "{marker("value")}", ',
                         json.dumps({marker("unknown"): marker("value"), "model": marker("model"),
                                     "messages": [{"role": marker("role"), "content": marker("content")}],
                                     "input": marker("input"), "name": marker("name"), "file_id": marker("file"),
                                     "query": marker("query")}),
                         json.dumps([[[[marker("deep")]]]])):
                self.ask(method, f"{path}?{marker('param')}={marker('argument')}", body, headers)
            self.ask(method, f"{path}/%0a{marker('newline')}", None, headers)
            self.ask("PUT", path, marker("put"), headers)
        for path in (f"/{marker('path')}", f"/v1/{marker('path')}", f"//{marker('path')}", f"/%zz{marker('percent')}"):
            self.ask("GET", path, None, headers)
        self.ask("GET", "/v1/models", None, {marker("headername"): "1"})

    def real_work(self):
        folder = self.deployment.base / marker("folder")
        folder.mkdir()
        (folder / f"{marker('filename')}.md").write_text(f"# {marker('heading')}\n\nThe {marker('passage')} is a thing.\n")
        (folder / f"{marker('broken')}.pdf").write_bytes(b"%PDF-1.7\n" + marker("pdf").encode())
        (folder / f"{marker('nothing')}.html").write_text("")
        for path in sorted(folder.iterdir()):
            self.deployment.ingest(path, collection=marker("collection"), check=False)
        self.deployment.casemate("ask", f"What is {marker('question')}?", "--collection", marker("collection"),
                                 check=False)
        chat = {"model": "casemate-answer", "messages": [{"role": "user", "content": marker("prompt")}],
                "max_tokens": 4}
        self.assertEqual(self.ask("POST", "/v1/chat/completions", json.dumps(chat))[0], 200)
        self.assertEqual(self.ask("POST", "/v1/chat/completions", json.dumps({**chat, "stream": True}))[0], 200)
        self.ask("POST", "/v1/chat/completions", json.dumps({**chat, "messages": [
            {"role": "user", "content": marker("long") * 2000}]}))
        self.ask("POST", "/v1/embeddings", json.dumps({"model": "casemate-embed", "input": [marker("embed")]}))
        self.ask("POST", "/v1/responses", json.dumps({"model": "casemate-answer", "input": marker("responses"),
                                                      "max_output_tokens": 16}))

    def broken_multipart(self):
        boundary = marker("boundary")
        good = (f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n--{boundary}\r\n'
                f'Content-Disposition: form-data; name="file"; filename="{marker("upload")}.md"\r\n\r\n'
                f'{marker("uploaded")}\r\n--{boundary}--\r\n')
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        self.assertEqual(self.ask("POST", "/v1/files", good, kind)[0], 200)
        for body in (good[:-20], good.replace("form-data;", marker("disposition")), marker("nobody"),
                     good.replace("assistants", marker("purpose")), good.replace('"purpose"', f'"{marker("part")}"')):
            self.ask("POST", "/v1/files", body, kind)
        self.ask("POST", "/v1/files", good, {"Content-Type": "multipart/form-data"})

    def wrong_keys(self):
        for key in (marker("key"), f"cm-{marker('key')}", self.key[:-4] + "aaaa", f"{self.key}{marker('tail')}"):
            self.assertIn(self.ask("GET", "/v1/models", None, None, key)[0], (400, 401))
        self.ask("GET", "/v1/models", None, {"Authorization": f"Basic {marker('basic')}"})

    def bad_http(self):
        host, port = self.deployment.address.rsplit(":", 1)
        import socket
        for raw in (f"{MARKER} / HTTP/1.1\r\n\r\n", f"GET /{marker('raw')} HTTP/9.9\r\n\r\n",
                    f"GET / HTTP/1.1\r\n{marker('line')}\r\n\r\n", f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {MARKER}\r\n\r\n",
                    f"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{MARKER}\r\n",
                    f"GET / HTTP/1.1\r\nHost: {MARKER}\r\nHost: {MARKER}\r\n\r\n"):
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=20) as plain:
                with self.context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
                    tls.sendall(raw.encode())
                    tls.recv(4096)
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=20) as plain:
            plain.sendall(f"GET /{marker('notls')} HTTP/1.1\r\n\r\n".encode())
            plain.recv(100)
        with contextlib.suppress(OSError, ssl.SSLError):
            with socket.create_connection((host, int(port)), timeout=20) as plain:
                self.context.wrap_socket(plain, server_hostname=f"{MARKER.lower()}.example")

    def test_no_marker_is_in_any_log(self):
        self.every_route()
        self.real_work()
        self.broken_multipart()
        self.wrong_keys()
        self.bad_http()
        # A request whose keeper dies under it.
        with contextlib.suppress(AssertionError):
            os.kill(self.deployment.pid_of("keeper"), signal.SIGKILL)
        self.ask("GET", f"/v1/models/{marker('afterdeath')}")
        self.deployment.casemate("metrics")
        self.assertLessEqual({200, 400, 401, 404, 405}, self.seen)
        log = self.deployment.log.read_text(errors="replace")
        self.assertIn("request refused", log)  # the log does say that there was something
        self.assertIn("debug", (self.deployment.dir / "config.toml").read_text())
        self.assertEqual(self.deployment.stop(), 0)
        log = self.deployment.log.read_text(errors="replace")
        for form in (MARKER, MARKER.lower(), MARKER.encode().hex(), self.key, self.key.split("-")[-1]):
            lines = [line for line in log.splitlines() if form in line]
            self.assertEqual(lines, [], f"{form} is in the log")
        # Nor in anything else outside of the documents' own folder and the passphrase's.
        found = []
        for path in pathlib.Path(self.deployment.dir).rglob("*"):
            if path.is_file() and path.suffix != ".gguf" and MARKER.encode() in path.read_bytes():
                found.append(str(path))
        self.assertEqual(found, [])
        cores = [str(path) for folder in (self.deployment.base, pathlib.Path.cwd())
                 for path in folder.glob("core*") if path.is_file()]
        self.assertEqual(cores, [])


if __name__ == "__main__":
    main()
