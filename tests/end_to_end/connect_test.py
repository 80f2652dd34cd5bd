"""casemate connect: a client without hybrid TLS, through loopback, to the hybrid port."""
import concurrent.futures
import json
import os
import pathlib
import re
import socket
import stat
import subprocess
import threading
import time

import openai

from connect_harness import Authority, Connect, FakeGateway, send, send_chunk
from harness import EndToEnd, casemate, main


class ConnectTest(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key = cls.deployment.key()
        cls.connect = cls.start("connect")

    @classmethod
    def start(cls, name, *arguments, key=None, server=None, trust=None, **options):
        trust = trust or ("--dir", cls.deployment.dir)
        connect = Connect(cls.deployment.base / name, key or cls.key, "--server", server or cls.deployment.address,
                          *trust, *arguments, **options)
        cls.addClassCleanup(connect.stop)
        return connect

    def test_a_classical_client_is_refused_by_the_server_and_served_by_connect(self):
        question = ["curl", "-sS", "--max-time", "30", "--curves", "X25519", "--cacert",
                    self.deployment.dir / "tls/ca.pem", "-H", f"Authorization: Bearer {self.key}"]
        direct = subprocess.run([*question, f"https://{self.deployment.address}/v1/models"], capture_output=True)
        self.assertEqual(direct.returncode, 35, direct)  # CURLE_SSL_CONNECT_ERROR
        through = subprocess.run(["curl", "-sS", "-H", f"Authorization: Bearer {self.connect.token}",
                                  f"{self.connect.url}/v1/models"], capture_output=True, check=True)
        self.assertIn("casemate-answer", [model["id"] for model in json.loads(through.stdout)["data"]])

    def test_it_says_where_it_stands_and_which_group_was_negotiated(self):
        self.connect.wait_for_log("TLS 1.3, X25519MLKEM768")
        text = self.connect.log_text()
        self.assertIn(str(self.connect.token_file), text)
        self.assertNotIn(self.connect.token, text)
        self.assertNotIn(self.key, text)

    def test_the_openai_client_works_unchanged(self):
        client = self.connect.openai()
        self.assertIn("casemate-answer", {model.id for model in client.models.list()})
        whole = client.chat.completions.create(model="casemate-answer", max_tokens=16, temperature=0,
                                               messages=[{"role": "user", "content": "What is a tower?"}])
        with client.chat.completions.create(model="casemate-answer", max_tokens=16, temperature=0, stream=True,
                                            messages=[{"role": "user", "content": "What is a tower?"}]) as stream:
            pieces = [event.choices[0].delta.content or "" for event in stream if event.choices]
        self.assertEqual("".join(pieces), whole.choices[0].message.content)
        with self.assertRaises(openai.NotFoundError) as caught:
            client.chat.completions.create(model="gpt-4", messages=[{"role": "user", "content": "x"}])
        self.assertEqual(caught.exception.code, "model_not_found")
        file = client.files.create(file=("tower note.md", b"# Tower\n\nA tower is high.\n"), purpose="assistants")
        self.assertEqual(client.files.content(file.id).read(), b"# Tower\n\nA tower is high.\n")
        self.assertTrue(client.files.delete(file.id).deleted)

    def test_without_its_own_token_nothing_is_asked(self):
        for token in ("", "cc-" + "a" * 52, self.key, self.connect.token[:-1]):
            status, _, body = self.connect.ask(token=token)
            self.assertEqual(status, 401, token)
            self.assertEqual(json.loads(body)["error"]["code"], "invalid_api_key")

    def raw(self, text):
        with socket.create_connection(self.connect.address.rsplit(":", 1), timeout=10) as plain:
            plain.sendall(text.encode())
            return plain.recv(65536).decode()

    def test_another_name_in_host_is_refused(self):
        """DNS rebinding: a page's own name was made to point to 127.0.0.1."""
        port = self.connect.address.rsplit(":", 1)[1]
        good = f"Authorization: Bearer {self.connect.token}\r\nConnection: close\r\n\r\n"
        for host in (f"evil.example:{port}", "127.0.0.1", f"127.0.0.1.evil.example:{port}", f"127.0.0.2:{port}", ""):
            answer = self.raw(f"GET /v1/models HTTP/1.1\r\nHost: {host}\r\n{good}")
            self.assertIn(" 403 ", answer.splitlines()[0], host)
            self.assertIn("host_not_allowed", answer)
        for head in (f"GET /v1/models HTTP/1.1\r\n{good}",  # none at all
                     f"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example\r\n{good}"):
            self.assertRegex(self.raw(head).splitlines()[0], " 40[03] ")
        absolute = f"GET http://evil.example:{port}/v1/models HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{good}"
        self.assertIn(" 403 ", self.raw(absolute).splitlines()[0])
        self.assertIn(" 200 ", self.raw(f"GET /v1/models HTTP/1.1\r\nHost: LOCALHOST:{port}\r\n{good}").splitlines()[0])

    def test_a_web_page_is_refused_unless_its_origin_was_allowed(self):
        for origin in ("https://evil.example", "null", "http://localhost:3000.evil.example", self.connect.url):
            status, headers, body = self.connect.ask(headers={"Origin": origin})
            self.assertEqual((status, json.loads(body)["error"]["code"]), (403, "origin_not_allowed"), origin)
            self.assertNotIn("access-control-allow-origin", headers)
        allowing = self.start("allowing", "--allow-origin", "http://localhost:3000")
        page = {"Origin": "http://localhost:3000"}
        status, headers, _ = allowing.ask("OPTIONS", token="", headers={
            **page, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"})
        self.assertEqual(status, 204)
        self.assertEqual(headers["access-control-allow-origin"], "http://localhost:3000")
        self.assertIn("authorization", headers["access-control-allow-headers"])
        status, headers, _ = allowing.ask(headers=page)
        self.assertEqual((status, headers["access-control-allow-origin"]), (200, "http://localhost:3000"))
        self.assertEqual(allowing.ask(token="", headers=page)[0], 401)
        self.assertEqual(allowing.ask(headers={"Origin": "http://localhost:3001"})[0], 403)

    def test_token_file_and_unix_socket_are_for_their_owner_only(self):
        path = self.deployment.base / "connect.sock"
        over_socket = self.start("socket", listen=("--socket", path))
        self.assertEqual(stat.S_IMODE(over_socket.token_file.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        question = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", path]
        url = "http://localhost/v1/models"
        bearer = ["-H", f"Authorization: Bearer {over_socket.token}"]
        self.assertEqual(subprocess.run([*question, *bearer, url], capture_output=True).stdout, b"200")
        self.assertEqual(subprocess.run([*question, url], capture_output=True).stdout, b"401")
        self.assertEqual(subprocess.run([*question, *bearer, "http://evil.example/v1/models"],
                                        capture_output=True).stdout, b"403")
        # A second one does not take the socket away; after the first one's end it may.
        second = self.start("socket", listen=("--socket", path))
        self.assertNotEqual(second.stop(), 0)
        self.assertIn("another program listens", second.log_text())
        over_socket.stop()
        third = self.start("socket", listen=("--socket", path))
        self.assertEqual(subprocess.run([*question, *bearer, url], capture_output=True).stdout, b"200", third.log_text())

    def test_no_secret_is_in_arguments_or_environment_and_no_file_is_open(self):
        process = pathlib.Path(f"/proc/{self.connect.process.pid}")
        for part in ("cmdline", "environ"):
            text = (process / part).read_bytes()
            self.assertNotIn(self.key.encode(), text)
            self.assertNotIn(self.connect.token.encode(), text)
        status = (process / "status").read_text()
        self.assertRegex(status, r"Seccomp:\s+2")
        self.assertRegex(status, r"NoNewPrivs:\s+1")
        self.assertRegex((process / "limits").read_text(), r"Max core file size\s+0\s+0")
        links = {os.readlink(entry) for entry in (process / "fd").iterdir()}
        files = {link for link in links if link.startswith("/") and link != "/dev/null"}
        self.assertEqual(files, {str(self.connect.log)})  # stdout and stderr, which the test gave it

    def test_it_listens_on_loopback_only(self):
        for listen in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0"):
            refused = casemate("connect", "--server", "127.0.0.1:1", "--dir", self.deployment.dir, "--key-file",
                               self.connect.key_file, "--listen", listen, check=False)
            self.assertIn("loopback only", refused.stderr)
            self.assertNotEqual(refused.returncode, 0)

    def test_a_revoked_key_is_named_as_the_cause(self):
        made = self.deployment.json("key", "create", "--name", "short")
        connect = self.start("revoked", key=made["key"])
        self.assertEqual(connect.ask()[0], 200)
        self.deployment.casemate("key", "revoke", made["id"])
        status, _, body = connect.ask()
        self.assertEqual((status, json.loads(body)["error"]["code"]), (401, "gateway_key_refused"))
        again = self.start("revoked", key=made["key"])
        self.assertEqual(again.stop(), 3)
        self.assertIn("refuses the API key", again.log_text())

    def test_fifty_streams_at_once(self):
        def stream(i):
            status, headers, body = self.connect.chat(f"What is the number {i}?", stream=True, max_tokens=8)
            return status, headers["content-type"], body.rstrip().endswith((b"[DONE]", b"}"))
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            outcomes = set(pool.map(stream, range(50)))
        self.assertEqual({(status, whole) for status, _, whole in outcomes}, {(200, True)})


class GatewayFailureTest(EndToEnd):
    """What connect says when the gateway is not there, or is not the one that it should be."""

    def start(self, name, *arguments, **options):
        connect = Connect(self.deployment.base / name, "cm-x-y", *arguments, **options)
        self.addCleanup(connect.stop)
        return connect

    def test_a_gateway_of_another_authority_gets_no_key(self):
        other = Authority(self.deployment.base / "other")
        connect = self.start("wrong-ca", "--server", self.deployment.address, "--ca", other.ca)
        self.assertEqual(connect.stop(), 5)
        self.assertIn("certificate is not accepted", connect.log_text())

    def test_a_gateway_of_another_name_gets_no_key(self):
        other = Authority(self.deployment.base / "name", "elsewhere.example")
        fake = FakeGateway(other, lambda request: send(request, 200, {}, b"{}"))
        self.addCleanup(fake.close)
        connect = self.start("wrong-name", "--server", fake.address, "--ca", other.ca)
        self.assertEqual(connect.stop(), 5)
        self.assertIn("mismatch", connect.log_text())

    def classical_server(self, *options):
        authority = Authority(self.deployment.base / "classical")
        server = subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", authority.leaf, "-key",
                                   authority.leaf_key, "-www", *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        for line in server.stdout:
            if found := re.search(r"ACCEPT (127\.0\.0\.1:\d+)", line):
                return found.group(1), authority
        self.fail("openssl s_server did not start")

    def test_a_classical_gateway_gets_no_key(self):
        for options in (("-groups", "X25519:P-256"), ("-tls1_2",)):
            address, authority = self.classical_server(*options)
            connect = self.start("classical", "--server", address, "--ca", authority.ca)
            self.assertEqual(connect.stop(), 3, connect.log_text())
            self.assertIn("no hybrid post-quantum key exchange", connect.log_text())

    def test_a_gateway_that_speaks_no_tls_is_told_apart(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def answer():
                plain, _ = listener.accept()
                plain.recv(4096)
                plain.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
                plain.close()
            thread = threading.Thread(target=answer)
            thread.start()
            connect = self.start("plain", "--server", "127.0.0.1:%d" % listener.getsockname()[1], "--dir",
                                 self.deployment.dir)
            thread.join()
        self.assertNotEqual(connect.stop(), 0)
        self.assertIn("does not speak TLS", connect.log_text())

    def test_it_waits_for_a_gateway_that_is_not_there_and_outlives_its_restart(self):
        address = self.deployment.address
        connect = Connect(self.deployment.base / "restart", self.deployment.key(), "--server", address, "--dir",
                          self.deployment.dir)
        self.addCleanup(connect.stop)
        self.assertEqual(connect.ask()[0], 200)
        self.deployment.stop()
        status, headers, body = connect.ask()
        self.assertEqual((status, json.loads(body)["error"]["code"]), (503, "gateway_unreachable"))
        self.assertIn("retry-after", headers)
        early = Connect(self.deployment.base / "early", "cm-x-y", "--server", address, "--dir", self.deployment.dir)
        self.addCleanup(early.stop)
        self.assertIn("not there yet", early.log_text())
        self.deployment.start(listen=address)
        self.assertEqual(connect.ask()[0], 200)
        self.assertEqual(connect.chat()[0], 200)
        self.assertEqual(early.ask()[0], 401)


class CancelTest(EndToEnd):
    started = False

    def test_a_client_that_leaves_ends_the_request_at_the_gateway(self):
        ended = threading.Event()

        def handler(request):
            if request.path != "/v1/chat/completions":
                return send(request, 200, {}, b"{}")
            request.send_response(200)
            request.send_header("Content-Type", "text/event-stream")
            request.send_header("Transfer-Encoding", "chunked")
            request.end_headers()
            try:
                while True:
                    send_chunk(request, b"data: {}\n\n")
                    time.sleep(0.01)
            except OSError:
                ended.set()

        authority = Authority(self.deployment.base / "authority")
        fake = FakeGateway(authority, handler)
        self.addCleanup(fake.close)
        connect = Connect(self.deployment.base / "cancel", "cm-x-y", "--server", fake.address, "--ca", authority.ca)
        self.addCleanup(connect.stop)
        head = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: {connect.address}\r\nContent-Length: 2\r\n"
                f"Authorization: Bearer {connect.token}\r\n\r\n{{}}")
        with socket.create_connection(connect.address.rsplit(":", 1), timeout=10) as plain:
            plain.sendall(head.encode())
            received = b""
            while received.count(b"data: {}") < 3:  # it streams: nothing waits for an end
                received += plain.recv(4096)
            self.assertFalse(ended.is_set())
        self.assertTrue(ended.wait(10), connect.log_text())

    def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(self):
        def handler(request):
            if request.path != "/v1/chat/completions":
                return send(request, 200, {}, b"{}")
            request.send_response(200)
            request.send_header("Transfer-Encoding", "chunked")
            request.end_headers()
            send_chunk(request, b"half")
            request.close_connection = True  # without a goodbye, as when the machine goes away
            request.connection.shutdown(socket.SHUT_RDWR)

        authority = Authority(self.deployment.base / "authority")
        fake = FakeGateway(authority, handler)
        self.addCleanup(fake.close)
        connect = Connect(self.deployment.base / "broken", "cm-x-y", "--server", fake.address, "--ca", authority.ca)
        self.addCleanup(connect.stop)
        broken = subprocess.run(["curl", "-sS", "--max-time", "20", "-X", "POST", "-H", f"Authorization: Bearer {connect.token}",
                                 f"{connect.url}/v1/chat/completions"], capture_output=True)
        self.assertEqual((broken.returncode, broken.stdout), (18, b"half"))  # CURLE_PARTIAL_FILE


if __name__ == "__main__":
    main()
