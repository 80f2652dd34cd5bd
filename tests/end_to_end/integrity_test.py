"""A flipped bit is found and named; an erased document stays erased; a lost disk comes back."""
import pathlib
import shutil

from harness import CHEAP, Deployment, EndToEnd, casemate, main, write_documents


def flip(path, offset):
    content = bytearray(path.read_bytes())
    content[offset % len(content)] ^= 0x20
    path.write_bytes(content)


class IntegrityTest(EndToEnd):
    def test_a_flipped_bit_in_any_file_of_the_log_is_found_and_named(self):
        self.deployment.casemate("collection", "list")
        deployment = Deployment()
        self.addCleanup(deployment.close)
        deployment.start()
        for _ in range(3):
            deployment.casemate("collection", "list")
        deployment.stop()
        deployment.casemate("audit", "verify")
        for path in sorted(p for p in (deployment.dir / "audit").rglob("*") if p.is_file() and p.stat().st_size):
            if path.name == "log.vkey":
                continue  # what is verified with; changing it makes everything else foreign
            kept = path.read_bytes()
            for offset in (0, len(kept) // 2, len(kept) - 1):
                flip(path, offset)
                refused = deployment.casemate("audit", "verify", check=False)
                if path.name == "journal" and refused.returncode == 0:
                    # Its MACs need the custodian's key: the next start finds what a verifier cannot.
                    with self.assertRaisesRegex(AssertionError, "journal"):
                        deployment.start(wait=30)
                else:
                    self.assertNotEqual(refused.returncode, 0, f"byte {offset} of {path}")
                    self.assertIn(path.name, refused.stdout + refused.stderr)
                path.write_bytes(kept)
        deployment.casemate("audit", "verify")

    def test_a_flipped_or_cut_object_is_an_integrity_error_that_names_it(self):
        documents = self.deployment.base / "documents"
        write_documents(documents, 1, lambda i: "# Lamp\n\nA lamp is a thing that gives light.\n")
        client = self.deployment.openai()
        file = client.files.create(file=("lamp.txt", b"A lamp gives light. " * 2000), purpose="assistants")
        objects = sorted((p for p in self.deployment.dir.glob("tenants/*/objects/**/*") if p.is_file()),
                         key=lambda p: p.stat().st_mtime)
        victim = objects[-1]
        kept = victim.read_bytes()
        for damaged in (kept[:100] + bytes([kept[100] ^ 1]) + kept[101:], kept[:-20], kept + b"\0" * 16):
            victim.write_bytes(damaged)
            with self.assertRaises(Exception) as caught:
                client.files.content(file.id).read()
            self.assertRegex(str(caught.exception), f"integrity.*|{file.id}")
        victim.write_bytes(kept)
        self.assertEqual(client.files.content(file.id).read(), b"A lamp gives light. " * 2000)

    def test_an_erased_document_opens_from_no_older_copy(self):
        deployment = Deployment()
        self.addCleanup(deployment.close)
        deployment.start()
        documents = deployment.base / "documents"
        write_documents(documents, 2)
        deployment.ingest(documents)
        files = {f["filename"]: f["id"] for f in deployment.json("file", "list", "--collection", "docs")["files"]}
        self.assertEqual(deployment.stop(), 0)
        before = deployment.base / "copy"
        shutil.copytree(deployment.dir, before, ignore=shutil.ignore_patterns("*.sock"))
        mirror_before = deployment.base / "mirror-copy"
        shutil.copytree(deployment.base / "mirror", mirror_before)
        deployment.start()
        erased = deployment.json("file", "delete", files["note-000.md"])
        self.assertTrue(erased["deleted"])
        self.assertEqual(deployment.stop(), 0)
        # Everything as it was before the erasure, but the token: its epoch key is gone.
        token = deployment.base / "token-after"
        shutil.copytree(deployment.dir / "custodian/token", token)
        shutil.rmtree(deployment.dir)
        shutil.copytree(before, deployment.dir)
        shutil.rmtree(deployment.dir / "custodian/token")
        shutil.copytree(token, deployment.dir / "custodian/token")
        shutil.rmtree(deployment.base / "mirror")
        shutil.copytree(mirror_before, deployment.base / "mirror")
        with self.assertRaisesRegex(AssertionError, "(?i)older|epoch|head"):
            deployment.start(wait=30)

    def test_erasing_without_a_mirror_is_refused_with_what_to_do(self):
        deployment = Deployment("--argon2-memory-kib", "8192")  # neither --mirror nor --no-mirror
        self.addCleanup(deployment.close)
        deployment.start()
        documents = deployment.base / "documents"
        write_documents(documents, 1)
        deployment.ingest(documents)
        file = deployment.json("file", "list", "--collection", "docs")["files"][0]["id"]
        refused = deployment.casemate("file", "delete", file, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertRegex(refused.stderr, "mirror")
        self.assertTrue(deployment.json("file", "delete", file, "--no-mirror")["deleted"])

    def test_a_lost_disk_comes_back_from_a_backup(self):
        deployment = Deployment()
        self.addCleanup(deployment.close)
        deployment.start()
        documents = deployment.base / "documents"
        write_documents(documents, 3)
        deployment.ingest(documents)
        backup = deployment.base / "backup"
        deployment.casemate("backup", "--to", backup, "--with-token")
        self.assertEqual(deployment.stop(), 0)
        shutil.rmtree(deployment.dir)
        casemate("restore", "--from", backup, "--dir", deployment.dir)
        deployment.start()
        answer = deployment.json("ask", "What is the widget 2?", "--collection", "docs")
        self.assertIn("device", answer["answer"])
        self.assertEqual(deployment.stop(), 0)
        deployment.casemate("audit", "verify")


if __name__ == "__main__":
    main()
