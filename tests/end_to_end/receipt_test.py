"""Receipts: fetched over HTTPS and by the command, verified offline by the command and by a second
implementation, and refused when anything is changed."""
import http.client
import json
import pathlib
import ssl
import subprocess
import sys
import time

from harness import ROOT, EndToEnd, Failed, casemate, main

REFERENCE = ROOT / "tests/vectors/receipt_reference.py"
MODEL = "casemate-answer"
DOCUMENT = "# Glossary\n\n## portcullis\n\nA portcullis is a heavy iron gate that slides down in grooves.\n"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def receipt(self):
        return self.headers["x-casemate-receipt"]

    @property
    def salt(self):
        return self.headers["x-casemate-receipt-salt"]


class ReceiptTest(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key, cls.other = cls.deployment.key(), cls.deployment.key()
        cls.tls = ssl.create_default_context(cafile=str(cls.deployment.dir / "tls/ca.pem"))
        cls.vkey = cls.deployment.dir / "audit/log.vkey"
        document = cls.deployment.base / "glossary.md"
        document.write_text(DOCUMENT)
        cls.deployment.ingest(document, collection="castle")
        cls.store = cls.deployment.json("collection", "list")["collections"][0]["id"]

    def ask(self, method, path, body=None, key=None, headers=None):
        connection = http.client.HTTPSConnection(self.deployment.address, context=self.tls, timeout=60)
        self.addCleanup(connection.close)
        sent = json.dumps(body).encode() if body is not None else None
        connection.request(method, path, sent, {"authorization": f"Bearer {key or self.key}",
                                                "content-type": "application/json", **(headers or {})})
        answer = Answer(connection.getresponse())
        answer.request = sent or b""
        return answer

    def chat(self, **more):
        return self.ask("POST", "/v1/chat/completions", {
            "model": MODEL, "max_tokens": 12, "temperature": 0,
            "messages": [{"role": "user", "content": "What is a portcullis?"}], **more})

    def await_receipt(self, answer):
        """Over HTTP, as any client does."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            got = self.ask("GET", f"/v1/receipts/{answer.receipt}")
            if got.status != 202:
                self.assertEqual(got.status, 200, got.body)
                return got.body
            self.assertEqual(got.headers["retry-after"], "1")
            time.sleep(0.05)
        self.fail("still pending")

    def files_of(self, answer, name):
        """Receipt, request and answer as files."""
        folder = self.deployment.base / name
        folder.mkdir(exist_ok=True)
        files = {part: folder / part for part in ("receipt", "request", "answer")}
        files["receipt"].write_bytes(self.await_receipt(answer))
        files["request"].write_bytes(answer.request)
        files["answer"].write_bytes(answer.body)
        return files

    def verify(self, files, salt, *arguments):
        return json.loads(casemate("receipt", "verify", files["receipt"], "--request", files["request"], "--answer",
                                   files["answer"], "--salt", salt, "--json", *arguments).stdout)

    def refused(self, *arguments, status=5):
        with self.assertRaises(Failed) as caught:
            casemate("receipt", "verify", *arguments)
        self.assertEqual(caught.exception.status, status, caught.exception)
        return caught.exception.stderr

    def test_a_chat_completion_and_its_stream(self):
        whole = self.chat()
        files = self.files_of(whole, "chat")
        told = self.verify(files, whole.salt, "--dir", self.deployment.dir)
        self.assertTrue(told["custodian"]["in_log"])
        self.assertEqual(told["custodian"]["openings"], 0)
        self.assertEqual(told["custodian"]["ticket_index"], int(whole.headers["x-casemate-log-index"]))
        usage = json.loads(whole.body)["usage"]
        self.assertEqual(told["server"]["prompt_tokens"], usage["prompt_tokens"])
        self.assertEqual(told["server"]["completion_tokens"], usage["completion_tokens"])
        self.assertEqual(told["server"]["models"][0]["name"], MODEL)
        digest = told["server"]["models"][0]["digest"]
        self.assertTrue((self.deployment.dir / f"models/{digest}.gguf").exists())
        self.assertEqual(told["server"]["outcome"], "complete")
        self.assertIn("MLKEM", told["client"]["tls"])
        self.assertTrue(told["client"]["compared"])

        stream = self.chat(stream=True)
        event = f'event: casemate.receipt\ndata: {{"type":"casemate.receipt","id":"{stream.receipt}"}}\n\n'.encode()
        self.assertTrue(stream.body.endswith(b"data: [DONE]\n\n" + event), stream.body)
        files = self.files_of(stream, "stream")
        self.assertTrue(self.verify(files, stream.salt, "--key", self.vkey)["client"]["streamed"])
        files["answer"].write_bytes(stream.body[:-len(event)])
        self.assertTrue(self.verify(files, stream.salt, "--key", self.vkey)["client"]["compared"])

    def test_an_answer_from_documents_search_content_and_embeddings(self):
        answered = self.ask("POST", "/v1/responses", {
            "model": MODEL, "input": "What is a portcullis?", "max_output_tokens": 16,
            "tools": [{"type": "file_search", "vector_store_ids": [self.store]}]})
        told = self.verify(self.files_of(answered, "responses"), answered.salt, "--dir", self.deployment.dir)
        self.assertGreater(told["custodian"]["openings"], 0)
        streamed = self.ask("POST", "/v1/responses", {
            "model": MODEL, "input": "What is a portcullis?", "max_output_tokens": 16, "stream": True,
            "tools": [{"type": "file_search", "vector_store_ids": [self.store]}]})
        self.assertTrue(streamed.body.startswith(b"event: response.created\n"))
        self.assertIn(b"data: [DONE]\n\nevent: casemate.receipt\n", streamed.body)
        self.verify(self.files_of(streamed, "responses-stream"), streamed.salt, "--dir", self.deployment.dir)
        searched = self.ask("POST", f"/v1/vector_stores/{self.store}/search", {"query": "portcullis"})
        told = self.verify(self.files_of(searched, "search"), searched.salt, "--dir", self.deployment.dir)
        self.assertEqual(told["server"]["engine"], "none")
        embedded = self.ask("POST", "/v1/embeddings", {"model": "casemate-embed", "input": "a gate"})
        told = self.verify(self.files_of(embedded, "embeddings"), embedded.salt, "--dir", self.deployment.dir)
        self.assertGreater(told["server"]["regions"]["embedding"], 0)
        file = self.deployment.json("file", "list")["files"][0]["id"]
        content = self.ask("GET", f"/v1/files/{file}/content")
        self.assertEqual(content.body, DOCUMENT.encode())
        told = self.verify(self.files_of(content, "content"), content.salt, "--dir", self.deployment.dir)
        self.assertGreater(told["custodian"]["openings"], 0)
        self.assertEqual(told["client"]["answer_bytes"], len(DOCUMENT))
        listed = self.ask("GET", "/v1/files")
        self.assertNotIn("x-casemate-receipt", listed.headers)

    def test_it_is_pending_first_and_only_who_asked_may_read_it(self):
        seen = []
        for _ in range(20):  # asked at once, before the disk has it
            answer = self.chat()
            seen.append(self.ask("GET", f"/v1/receipts/{answer.receipt}").status)
            if 202 in seen:
                break
        self.assertLessEqual(set(seen), {200, 202})
        self.assertIn(202, seen)
        text = self.await_receipt(answer)
        self.assertEqual(self.ask("GET", f"/v1/receipts/{answer.receipt}", key=self.other).status, 403)
        self.assertEqual(self.ask("GET", "/v1/receipts/rcpt_" + "a" * 26).status, 404)
        told = json.loads(self.ask("GET", f"/v1/receipts/{answer.receipt}", headers={"accept": "application/json"}).body)
        self.assertEqual((told["status"], told["receipt"].encode()), ("complete", text))
        out = self.deployment.base / "got.receipt"
        self.deployment.casemate("receipt", "get", answer.receipt, "--out", out)  # the operator may
        self.assertEqual(out.read_bytes(), text)
        self.assertEqual(self.deployment.casemate("receipt", "get", answer.receipt).stdout.encode(), text)

    def test_what_is_changed_is_refused_and_no_key_is_no_verification(self):
        answer = self.chat()
        files = self.files_of(answer, "changed")
        receipt = files["receipt"]
        text = receipt.read_bytes()
        self.refused(receipt, status=2)
        self.assertIn("casemate-answer", casemate("receipt", "verify", receipt, "--key", self.vkey).stdout)
        bad = self.deployment.base / "bad.receipt"
        for old, new in ((b"prompt-tokens ", b"prompt-tokens 1"), (b"tls X", b"tls Y"), (b"openings 0", b"openings 1"),
                         (b"isolation process", b"isolation context"), (b"\nlog-size ", b"\nlog-size 1")):
            self.assertIn(old, text)
            bad.write_bytes(text.replace(old, new, 1))
            self.refused(bad, "--key", self.vkey)
        for place in range(0, len(text), 997):
            bad.write_bytes(text[:place] + bytes([text[place] ^ 1]) + text[place + 1:])
            self.refused(bad, "--key", self.vkey)
        files["answer"].write_bytes(answer.body.replace(b"chatcmpl", b"chatcmpm"))
        parts = ("--request", files["request"], "--answer", files["answer"], "--salt", answer.salt)
        self.assertIn("another answer", self.refused(receipt, "--key", self.vkey, *parts))
        self.refused(receipt, "--key", self.vkey, *parts[:4], status=2)
        other = self.vkey.read_text().replace("casemate.local/tenant_", "casemate.local/tenant_x", 1)
        (self.deployment.base / "other.vkey").write_text(other)
        with self.assertRaises(Failed):
            casemate("receipt", "verify", receipt, "--key", self.deployment.base / "other.vkey")

    def test_the_second_implementation_agrees(self):
        answer = self.chat()
        files = self.files_of(answer, "reference")
        command = [sys.executable, str(REFERENCE), str(files["receipt"]), str(self.vkey), answer.salt,
                   str(files["request"]), str(files["answer"])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "verifies\n"), done.stderr)
        text = files["receipt"].read_bytes()
        files["receipt"].write_bytes(text.replace(b"isolation process", b"isolation context"))
        self.assertNotEqual(subprocess.run(command, capture_output=True, check=False).returncode, 0)

    def test_the_command_names_it(self):
        for form in ([], ["--stream"]):
            told = self.deployment.json("ask", "What is a portcullis?", "--collection", "castle", *form)
            receipt = self.deployment.base / "asked.receipt"
            self.deployment.casemate("receipt", "get", told["receipt_id"], "--out", receipt)
            verified = json.loads(casemate("receipt", "verify", receipt, "--dir", self.deployment.dir, "--json").stdout)
            self.assertEqual(verified["client"]["tls"], "operator-socket")

    def test_the_client_of_openai_sees_nothing_of_it(self):
        client = self.deployment.openai(self.key)
        with client.chat.completions.create(model=MODEL, stream=True, max_tokens=8,
                                            messages=[{"role": "user", "content": "A gate?"}]) as stream:
            self.assertTrue(all(chunk.choices for chunk in stream))
        with client.responses.create(model=MODEL, input="A gate?", stream=True, max_output_tokens=8) as stream:
            self.assertIn([event.type for event in stream][-1], ("response.completed", "response.incomplete"))

    def test_z_receipts_outlive_a_restart(self):
        answer = self.chat()
        text = self.await_receipt(answer)
        self.assertEqual(self.deployment.stop(), 0)
        self.assertFalse(b"custodian@v1" in b"".join(
            path.read_bytes() for path in pathlib.Path(self.deployment.dir / "tenants").rglob("receipts.db*")))
        self.deployment.start()
        self.assertEqual(self.await_receipt(answer), text)


if __name__ == "__main__":
    main()
