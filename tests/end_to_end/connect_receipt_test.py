"""What casemate connect makes of receipts: answers verified, marked, held back or cut."""
import contextlib
import http.client
import json
import ssl

from connect_harness import Authority, Connect, FakeGateway, send
from harness import EndToEnd, casemate, main


class Tamperer:
    """Stands between: has a certificate that connect trusts, and changes what the real server says."""

    def __init__(self, deployment):
        self.deployment = deployment
        self.change = lambda path, headers, body: body
        self.authority = Authority(deployment.base / "tamperer")
        self.upstream = ssl.create_default_context(cafile=str(deployment.dir / "tls/ca.pem"))
        self.fake = FakeGateway(self.authority, self.pass_on)
        self.address = self.fake.address

    def pass_on(self, request):
        with contextlib.closing(http.client.HTTPSConnection(self.deployment.address, context=self.upstream)) as real:
            fields = {k: v for k, v in request.headers.items() if k.lower() not in ("host", "content-length")}
            real.request(request.command, request.path, body=request.body or None, headers=fields)
            answer = real.getresponse()
            headers = {k: v for k, v in answer.getheaders()
                       if k.lower() not in ("content-length", "transfer-encoding", "connection")}
            send(request, answer.status, headers, self.change(request.path, headers, answer.read()))


class ReceiptTest(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key = cls.deployment.key()
        cls.tamperer = Tamperer(cls.deployment)
        cls.addClassCleanup(cls.tamperer.fake.close)
        direct = ("--server", cls.deployment.address, "--dir", cls.deployment.dir)
        between = ("--server", cls.tamperer.address, "--ca", cls.tamperer.authority.ca, "--log-key",
                   cls.deployment.dir / "audit/log.vkey")
        cls.connects = {}
        for name, options in (("mark", ()), ("require", ("--require-verified",)), ("buffer", ("--buffer-until-verified",))):
            for way, where in (("direct", direct), ("between", between)):
                connect = Connect(cls.deployment.base / f"{name}-{way}", cls.key, *where, *options)
                cls.addClassCleanup(connect.stop)
                cls.connects[name, way] = connect

    def setUp(self):
        self.tamperer.change = lambda path, headers, body: body

    def test_a_whole_answer_is_verified_in_every_mode(self):
        for (name, way), connect in self.connects.items():
            status, headers, body = connect.chat()
            self.assertEqual((status, headers["x-casemate-verified"]), (200, "true"), (name, way, connect.log_text()))
            self.assertTrue(json.loads(body)["choices"])

    def test_a_stream_is_pending_and_its_outcome_is_told(self):
        connect = self.connects["mark", "direct"]
        status, headers, body = connect.chat(stream=True)
        self.assertEqual((status, headers["x-casemate-verified"]), (200, "pending"))
        self.assertIn(b"event: casemate.receipt", body)
        connect.wait_for_log(f'event="answer verified" receipt={headers["x-casemate-receipt"]}')
        self.assertEqual(self.connects["require", "direct"].chat(stream=True)[1]["x-casemate-verified"], "pending")
        self.assertEqual(self.connects["buffer", "direct"].chat(stream=True)[1]["x-casemate-verified"], "true")

    def test_what_no_model_and_no_document_is_in_needs_no_receipt(self):
        for name in ("mark", "require", "buffer"):
            client = self.connects[name, "direct"].openai()
            file = client.files.create(file=("note.md", b"# Note\n\nA note.\n"), purpose="assistants")
            self.assertEqual(client.files.content(file.id).read(), b"# Note\n\nA note.\n")
            store = client.vector_stores.create(name="notes")
            client.vector_stores.files.create(vector_store_id=store.id, file_id=file.id)
            client.files.delete(file.id)

    def tamper(self, path, headers, body):
        return body.replace(b'"content":"', b'"content":"NOT ') if path.endswith("/completions") else body

    def test_a_tampered_answer_is_marked(self):
        self.tamperer.change = self.tamper
        connect = self.connects["mark", "between"]
        status, headers, body = connect.chat()
        self.assertEqual((status, headers["x-casemate-verified"]), (200, "false"))
        self.assertIn(b"NOT ", body)
        connect.wait_for_log("answer NOT verified")

    def test_a_tampered_answer_is_held_back(self):
        self.tamperer.change = self.tamper
        for name in ("require", "buffer"):
            for stream in (False, True):
                status, headers, body = self.connects[name, "between"].chat(stream=stream)
                self.assertEqual((status, json.loads(body)["error"]["code"]), (502, "answer_not_verified"))
                self.assertNotIn(b"NOT ", body.replace(b"NOT verified", b""))

    def test_a_dropped_or_foreign_receipt_does_not_help(self):
        def drop(path, headers, body):
            for name in [name for name in headers if name.lower() == "x-casemate-receipt"]:
                del headers[name]
            return body
        self.tamperer.change = drop
        self.assertEqual(self.connects["mark", "between"].chat()[1]["x-casemate-verified"], "false")
        for name in ("require", "buffer"):
            self.assertEqual(self.connects[name, "between"].chat()[0], 502)
        other = self.connects["mark", "direct"].chat("What is a gate?")[1]

        def swap(path, headers, body):
            for name in headers:
                if name.lower() in other and name.lower().startswith("x-casemate-receipt"):
                    headers[name] = other[name.lower()]
            return body
        self.tamperer.change = swap
        for name in ("require", "buffer"):
            self.assertEqual(self.connects[name, "between"].chat()[0], 502)

    def test_without_the_logs_keys_nothing_is_called_verified(self):
        blind = Connect(self.deployment.base / "blind", self.key, "--server", self.deployment.address, "--ca",
                        self.deployment.dir / "tls/ca.pem")
        self.addCleanup(blind.stop)
        blind.wait_for_log("NOT verified")
        self.assertEqual(blind.chat()[1]["x-casemate-verified"], "false")
        refused = casemate("connect", "--server", self.deployment.address, "--ca", self.deployment.dir / "tls/ca.pem",
                           "--key-file", blind.key_file, "--require-verified", check=False)
        self.assertIn("--log-key", refused.stderr)


if __name__ == "__main__":
    main()
