"""Bad input, and what it gets."""
import http.client
import json
import ssl

from harness import EndToEnd, Failed, main, write_documents


class BadInputTest(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key = cls.deployment.key()
        cls.context = ssl.create_default_context(cafile=str(cls.deployment.dir / "tls/ca.pem"))

    def request(self, method, path, body=None, headers=None, key=None):
        host, port = self.deployment.address.rsplit(":", 1)
        connection = http.client.HTTPSConnection(host, int(port), context=self.context, timeout=60)
        try:
            connection.request(method, path, body=body, headers={
                "Authorization": f"Bearer {key or self.key}", "Content-Type": "application/json", **(headers or {})})
            response = connection.getresponse()
            return response.status, response.read(), response.headers
        finally:
            connection.close()

    def error(self, *arguments, **options):
        status, body, _ = self.request(*arguments, **options)
        envelope = json.loads(body)["error"]
        self.assertEqual({"message", "type", "param", "code"}, set(envelope))
        return status, envelope

    def chat(self, **fields):
        return json.dumps({"model": "casemate-answer", "messages": [{"role": "user", "content": "x"}], **fields})

    def test_an_oversized_body_is_413_with_both_numbers(self):
        host, port = self.deployment.address.rsplit(":", 1)
        connection = http.client.HTTPSConnection(host, int(port), context=self.context, timeout=60)
        connection.putrequest("POST", "/v1/chat/completions")
        connection.putheader("Authorization", f"Bearer {self.key}")
        connection.putheader("Content-Length", str(10**12))
        connection.endheaders()
        response = connection.getresponse()
        self.assertEqual(response.status, 413)
        self.assertIn("1000000000000", json.loads(response.read())["error"]["message"])
        connection.close()

    def test_malformed_json_is_400_with_its_position(self):
        status, error = self.error("POST", "/v1/chat/completions", '{"model": "casemate-answer",\n "messages": [}')
        self.assertEqual((status, error["type"]), (400, "invalid_request_error"))
        self.assertRegex(error["message"], r"line 2|byte \d+")

    def test_wrong_types_are_400_with_the_field(self):
        for field, value in (("temperature", "hot"), ("max_tokens", 1.5), ("stream", "yes"), ("messages", "x"),
                             ("stop", [1]), ("temperature", 9)):
            status, error = self.error("POST", "/v1/chat/completions", self.chat(**{field: value}))
            self.assertEqual(status, 400, field)
            self.assertTrue(error["param"].startswith(field), error)
        status, error = self.error("POST", "/v1/chat/completions",
                                   self.chat(messages=[{"role": "user", "content": 5}]))
        self.assertEqual((status, error["param"]), (400, "messages[0].content"))

    def test_unknown_fields_get_openais_400(self):
        status, error = self.error("POST", "/v1/chat/completions", self.chat(colour="red"))
        self.assertEqual((status, error["param"]), (400, "colour"))
        self.assertIn("colour", error["message"])

    def test_unknown_models_paths_and_methods(self):
        self.assertEqual(self.error("POST", "/v1/chat/completions", self.chat(model="gpt-4"))[0], 404)
        self.assertEqual(self.error("GET", "/v1/nothing")[0], 404)
        status, _, headers = self.request("DELETE", "/v1/models")
        self.assertEqual(status, 405)
        self.assertIn("GET", headers["Allow"])

    def test_a_prompt_over_the_context_is_400_with_both_numbers(self):
        status, error = self.error("POST", "/v1/chat/completions",
                                   self.chat(messages=[{"role": "user", "content": "tower " * 2000}]))
        self.assertEqual((status, error["code"]), (400, "context_length_exceeded"))

    def test_credentials(self):
        for key in ("nothing", "cm-", self.key[:-2], self.key + "a", self.key[:-1] + ("a" if self.key[-1] != "a" else "b"),
                    "cm-" + "a" * 26 + "-" + "a" * 52):
            status, error = self.error("GET", "/v1/models", key=key)
            self.assertEqual((status, error["code"]), (401, "invalid_api_key"), key)

    def test_a_revoked_key_is_refused_at_once(self):
        key = self.deployment.key()
        self.assertEqual(self.request("GET", "/v1/models", key=key)[0], 200)
        key_id = [entry for entry in self.deployment.json("key", "list")["keys"]
                  if entry["id"].removeprefix("key_") in key][0]["id"]
        self.deployment.casemate("key", "revoke", key_id)
        self.assertEqual(self.request("GET", "/v1/models", key=key)[0], 401)

    def test_hostile_json_is_refused(self):
        for body in ("[" * 100000, '{"a":' * 50000, '{"model":"x","model":"y"}', '"' + "\\ud800" + '"', "\x00", "nul"):
            status, _ = self.error("POST", "/v1/chat/completions", body.encode())
            self.assertEqual(status, 400, body[:20])

    def test_bad_documents_get_an_error_each_and_the_others_go_in(self):
        documents = self.deployment.base / "mixed"
        write_documents(documents, 2)
        (documents / "empty.txt").write_bytes(b"")
        (documents / "binary.txt").write_bytes(bytes(range(256)) * 64)
        (documents / "deep.html").write_text("<div>" * 200000 + "deep text of the page" + "</div>" * 10)
        (documents / "large.txt").write_text("many words of one long text " * 6_000_000)  # about 160 MB
        done = self.deployment.ingest(documents, "--json", collection="mixed", check=False, timeout=300)
        self.assertNotEqual(done.returncode, 0)
        outcomes = {d["path"].split("/")[-1]: d for line in done.stdout.splitlines()
                    for d in json.loads(line).get("documents", [])}
        for name in ("note-000.md", "note-001.md"):
            self.assertEqual(outcomes[name]["outcome"], "added")
        for name in ("empty.txt", "binary.txt", "large.txt"):
            self.assertEqual(outcomes[name]["outcome"], "failed", outcomes[name])
            self.assertTrue(outcomes[name]["error"])
        self.assertIn(outcomes["deep.html"]["outcome"], ("added", "failed"))
        again = self.deployment.ingest(documents, "--json", collection="mixed", check=False, timeout=300)
        outcomes = {d["path"].split("/")[-1]: d["outcome"] for line in again.stdout.splitlines()
                    for d in json.loads(line).get("documents", [])}
        self.assertEqual(outcomes["note-000.md"], "unchanged")

    def test_a_changed_document_replaces_its_chunks(self):
        documents = self.deployment.base / "changing"
        (path,) = write_documents(documents, 1)
        self.deployment.ingest(documents, collection="changing")
        path.write_text("# Gadget\n\nA gadget is a small clever thing of copper.\n")
        changed = self.deployment.ingest(documents, "--json", collection="changing")
        self.assertIn("replaced", changed.stdout)
        answer = self.deployment.json("ask", "What is a gadget?", "--collection", "changing")
        self.assertIn("copper", answer["answer"])
        asked = self.deployment.json("ask", "What is the widget 0?", "--collection", "changing")
        self.assertNotIn("device", asked["answer"])


if __name__ == "__main__":
    main()
