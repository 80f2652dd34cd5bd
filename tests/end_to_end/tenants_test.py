"""Tenants, principals, grants, keys and labels, as the operator's commands and a client meet them."""
import json
import unittest

import openai

import harness


class Tenants(harness.EndToEnd):
    def refused(self, status, *arguments):
        process = self.deployment.casemate(*arguments, check=False)
        self.assertEqual(process.returncode, status, process.stderr)
        self.assertTrue(process.stderr.startswith("casemate: "), process.stderr)
        return process.stderr

    def test_a_principal_with_a_grant_and_a_key_does_what_it_may(self):
        d = self.deployment
        notes = harness.write_documents(d.base / "notes", 3)
        d.ingest(*notes, collection="notes")
        d.ingest(*harness.write_documents(d.base / "plans", 2), collection="plans")
        made = d.json("principal", "create", "bert", "--ceiling", "confidential")
        self.assertTrue(made["id"].startswith("principal_"))
        key = d.json("key", "create", "--principal", "bert", "--expires", "90d")
        self.assertGreater(key["expires"], 0)
        bert = d.openai(key["key"])
        with self.assertRaises(openai.PermissionDeniedError):  # no grant yet
            bert.vector_stores.list()
        grant = d.json("grant", "add", "--principal", "bert", "--collection", "notes", "--actions",
                       "read,search", "--up-to", "internal")
        self.assertFalse(grant["replaced"])
        store = list(bert.vector_stores.list())[0]
        self.assertEqual(store.name, "notes")
        self.assertEqual(store.casemate["label"], "internal")
        self.assertEqual(len(bert.vector_stores.search(store.id, query="Widget 1").data) > 0, True)
        with self.assertRaises(openai.PermissionDeniedError):  # it may not seal
            bert.files.create(file=("a.md", b"x"), purpose="assistants")
        with self.assertRaises(openai.APIStatusError):
            bert.vector_stores.delete(store.id)
        listed = d.json("grant", "list", "--principal", "bert")["grants"]
        self.assertEqual([(g["collection_name"], g["actions"], g["up_to"]) for g in listed],
                         [("notes", "list,read,search", "internal")])
        self.assertIn("notes", d.casemate("grant", "list").stdout)

        self.assertEqual(d.json("grant", "remove", grant["id"])["removed"], True)
        with self.assertRaises(openai.PermissionDeniedError):
            bert.vector_stores.search(store.id, query="Widget 1")
        d.casemate("principal", "suspend", "bert")
        with self.assertRaises(openai.AuthenticationError):
            bert.models.list()
        d.casemate("principal", "resume", "bert")
        bert.models.list()
        entry = next(p for p in d.json("principal", "list")["principals"] if p["name"] == "bert")
        self.assertEqual((entry["ceiling"], entry["keys"], entry["grants"]), ("confidential", 1, 0))
        removed = d.json("principal", "remove", "bert")
        self.assertGreater(removed["epoch"], 1)
        with self.assertRaises(openai.AuthenticationError):
            bert.models.list()
        # All of it is in the log, whose entries name nobody.
        log = d.casemate("audit", "show", "--count", "100000", "--json").stdout
        types = [json.loads(line)["type"] for line in log.splitlines()]
        for wanted in ("principal_created", "grant_added", "grant_removed", "principal_suspended",
                       "principal_resumed", "principal_removed"):
            self.assertIn(wanted, types)
        self.assertNotIn("bert", log)
        d.casemate("audit", "verify")

    def test_two_principals_do_not_see_each_others_files(self):
        d = self.deployment
        one, two = d.openai(), d.openai()
        made = one.files.create(file=("mine.md", b"# Mine\n\nMine alone.\n"), purpose="assistants",
                                extra_body={"casemate_label": "confidential"})
        self.assertEqual(made.casemate["label"], "confidential")
        self.assertIn(made.id, [f.id for f in one.files.list()])
        self.assertNotIn(made.id, [f.id for f in two.files.list()])
        for ask in (two.files.retrieve, two.files.content, two.files.delete):
            with self.assertRaises(openai.NotFoundError):
                ask(made.id)
        store = two.vector_stores.create(name="of two")
        with self.assertRaises(openai.NotFoundError):
            two.vector_stores.files.create(store.id, file_id=made.id)
        raw = one.files.with_raw_response.retrieve(made.id)
        self.assertEqual(raw.headers["x-casemate-label"], "confidential")
        one.files.delete(made.id)

    def test_a_label_is_inherited_by_the_answer(self):
        d = self.deployment
        folder = d.base / "labelled"
        folder.mkdir()
        (folder / "low.md").write_text("# Lantern\n\nA lantern is a light that is carried.\n")
        (folder / "high.md").write_text("# Password\n\nA password is a word that opens a gate.\n")
        d.ingest(folder / "low.md", "--label", "public", collection="mixed")
        d.ingest(folder / "high.md", "--label", "confidential", collection="mixed")
        store = next(c["id"] for c in d.json("collection", "list")["collections"] if c["name"] == "mixed")
        labels = {f["filename"]: f for f in d.json("file", "list", "--collection", "mixed")["files"]}
        self.assertEqual(set(labels), {"low.md", "high.md"})
        for ceiling, label in (("secret", "confidential"), ("internal", "internal")):
            client = d.openai(d.key("--ceiling", ceiling))
            raw = client.responses.with_raw_response.create(
                model="casemate-answer", input="What is a password?",
                tools=[{"type": "file_search", "vector_store_ids": [store]}])
            self.assertEqual(raw.headers["x-casemate-label"], label)
            self.assertEqual(json.loads(raw.http_response.text)["casemate"]["label"], label)

    def test_a_tenant_is_suspended_resumed_and_erased(self):
        d = self.deployment
        tenant = d.json("tenant", "create", "research")
        client = d.openai(d.key("--tenant", "research"))
        client.models.list()
        folder = d.dir / "tenants" / tenant["id"]
        self.assertTrue(folder.exists())
        d.casemate("tenant", "suspend", "research")
        with self.assertRaises(openai.AuthenticationError):
            client.models.list()
        self.assertIn("resume", self.refused(3, "file", "list", "--tenant", "research"))
        d.casemate("tenant", "resume", "research")
        client.models.list()
        self.assertIn("--confirm research", self.refused(1, "tenant", "remove", "research"))
        client.models.list()
        removed = d.json("tenant", "remove", "research", "--confirm", "research")
        self.assertGreaterEqual(removed["objects"], 2)
        self.assertFalse(folder.exists())
        with self.assertRaises(openai.AuthenticationError):
            client.models.list()
        self.refused(4, "tenant", "suspend", "research")
        self.assertNotIn("research", d.casemate("tenant", "list").stdout)
        d.casemate("audit", "verify")

    def test_errors_say_what_to_do(self):
        self.assertIn("principal list", self.refused(4, "principal", "suspend", "nobody"))
        self.assertIn("collection list",
                      self.refused(4, "grant", "add", "--principal", "nobody", "--collection", "nowhere",
                                   "--up-to", "internal"))
        self.assertIn("--all-collections", self.refused(1, "grant", "add", "--principal", "x", "--up-to", "internal"))
        self.assertIn("confidential", self.refused(1, "grant", "add", "--principal", "x", "--all-collections",
                                                   "--up-to", "cosmic"))
        self.assertIn("90d", self.refused(1, "key", "create", "--expires", "soon"))
        self.refused(1, "grant", "remove", "vs_x")


class OwnLabels(harness.EndToEnd):
    init_arguments = ("--no-mirror", "--labels", "offen", "vertraulich", "geheim", "--default-label", "vertraulich")

    def test_labels_of_ones_own_are_used_everywhere_and_cannot_be_changed(self):
        d = self.deployment
        self.assertIn('order = ["offen", "vertraulich", "geheim"]', (d.dir / "config.toml").read_text())
        client = d.openai(d.key("--ceiling", "vertraulich"))
        made = client.files.create(file=("a.md", b"# A\n\nx\n"), purpose="assistants")
        self.assertEqual(made.casemate["label"], "vertraulich")
        with self.assertRaises(openai.PermissionDeniedError) as refused:
            client.files.create(file=("a.md", b"# A\n\nx\n"), purpose="assistants",
                                extra_headers={"x-casemate-label": "geheim"})
        self.assertIn("geheim", str(refused.exception))
        with self.assertRaises(openai.BadRequestError):
            client.files.create(file=("a.md", b"# A\n\nx\n"), purpose="assistants",
                                extra_headers={"x-casemate-label": "secret"})
        d.stop()
        config = d.dir / "config.toml"
        text = config.read_text()
        config.write_text(text.replace('"offen", "vertraulich"', '"vertraulich", "offen"'))
        with self.assertRaises(AssertionError) as failed:
            d.start()
        self.assertIn("put back", str(failed.exception))
        config.write_text(text)
        d.server = None
        d.start()


if __name__ == "__main__":
    harness.main()
