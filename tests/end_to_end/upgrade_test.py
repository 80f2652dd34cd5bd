"""A deployment that an older build made opens with this one, and one that a newer build made is refused.

In CI the versions are written by hand where a file says its version in the open; with CASEMATE_LONG
(`./dev test upgrade --long`) the build of an older commit makes a whole deployment first."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

import harness
from harness import LONG, ROOT, Deployment, EndToEnd, main, write_documents

# The end of the thin path: the first commit whose deployments later ones have to open.
OLD = "e908e80"
TARGETS = ["casemate"] + [f"casemate-{name}" for name in
                          ("supervisor", "front", "keeper", "room", "parse", "loader", "custodian")]


def user_version(path, version=None):
    with contextlib.closing(sqlite3.connect(path)) as database:
        if version is not None:
            database.execute(f"PRAGMA user_version = {version}")
            database.commit()
        return database.execute("PRAGMA user_version").fetchone()[0]


class FormatGateTest(EndToEnd):
    started = False

    def refused(self, why):
        with self.assertRaisesRegex(AssertionError, why):
            self.deployment.start(wait=30)
        self.deployment.kill()

    def stores(self):
        return sorted((self.deployment.dir / "tenants").glob("*/store.db"))

    def test_a_store_of_a_newer_version_is_refused_and_not_touched(self):
        self.deployment.start()
        self.deployment.casemate("collection", "create", "kept")
        self.assertEqual(self.deployment.stop(), 0)
        (store,) = self.stores()
        known = user_version(store)
        user_version(store, known + 90)
        before = store.read_bytes()
        self.deployment.start()
        refused = self.deployment.casemate("collection", "list", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn(f"version {known + 90}", refused.stderr + self.deployment.log_text())
        self.assertIn("use the newer program", refused.stderr + self.deployment.log_text())
        self.assertEqual(self.deployment.stop(), 0)
        self.assertEqual(store.read_bytes(), before)
        user_version(store, known)
        self.deployment.start()
        self.assertIn("kept", self.deployment.casemate("collection", "list").stdout)
        self.assertEqual(self.deployment.stop(), 0)

    def test_a_key_tree_of_a_newer_version_is_refused(self):
        tree = self.deployment.dir / "custodian/tree.db"
        known = user_version(tree)
        user_version(tree, known + 90)
        try:
            self.refused("use the newer program")
        finally:
            user_version(tree, known)

    def test_a_sealed_pin_of_another_version_is_refused(self):
        sealed = self.deployment.dir / "custodian/pin.sealed"
        good = sealed.read_bytes()
        sealed.write_bytes(good.replace(b"casemate/pin@v1\n", b"casemate/pin@v9\n"))
        try:
            self.refused("not a file of this format")
        finally:
            sealed.write_bytes(good)

    def test_a_store_of_the_first_version_is_migrated(self):
        deployment = Deployment()
        self.addCleanup(deployment.close)
        deployment.start()
        tenant = deployment.json("tenant", "list")["tenants"][0]["id"]
        self.assertEqual(deployment.stop(), 0)
        # The reference writer: the first migration as it was released, by Python's sqlite3.
        source = (ROOT / "src/storage/tenant_store_schema.h").read_text()
        first = re.search(r'R"sql\((.*?)\)sql"', source, re.S)[1]
        self.assertIn("CREATE TABLE tenant(", first)
        folder = deployment.dir / "tenants" / tenant
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        with contextlib.closing(sqlite3.connect(folder / "store.db")) as database:
            database.executescript(first)
            database.execute("PRAGMA user_version = 1")
            database.commit()
        deployment.start()
        documents = deployment.base / "documents"
        write_documents(documents, 2)
        deployment.ingest(documents)
        listed = deployment.json("file", "list", "--collection", "docs")
        self.assertEqual(len(listed["files"]), 2)
        self.assertEqual(deployment.stop(), 0)
        self.assertEqual(user_version(folder / "store.db"), source.count('R"sql('))

    def test_a_configuration_without_newer_settings_is_whole(self):
        config = self.deployment.dir / "config.toml"
        good = config.read_text()
        config.write_text("".join(line for line in good.splitlines(keepends=True)
                                  if not line.startswith(("drain_s", "format"))))
        try:
            self.deployment.start()
            self.assertEqual(self.deployment.stop(), 0)
        finally:
            config.write_text(good)


if LONG:  # builds an older commit

    class OlderBuildTest(unittest.TestCase):
        """Made by the older build: documents, an erased one, keys, a revoked one, a log. All there afterwards."""

        def build(self):
            kept = os.environ.get("CASEMATE_OLD_BIN")  # a build of OLD that is there already
            if kept:
                return pathlib.Path(kept)
            tree = pathlib.Path(tempfile.mkdtemp(prefix="casemate-old-")) / "tree"
            self.addCleanup(shutil.rmtree, tree.parent, True)
            subprocess.run(["git", "-C", ROOT, "worktree", "add", "--detach", tree, OLD], check=True, timeout=300)
            self.addCleanup(subprocess.run, ["git", "-C", ROOT, "worktree", "remove", "--force", tree])
            subprocess.run([tree / "tools/build.sh", "release", *TARGETS], check=True, timeout=3600)
            return tree / "build/release/bin"

        @contextlib.contextmanager
        def with_build(self, folder):
            before = harness.CASEMATE
            harness.CASEMATE = folder / "casemate"
            try:
                yield
            finally:
                harness.CASEMATE = before

        def test_a_deployment_of_the_older_build_is_all_there(self):
            old = self.build()
            documents = None
            with self.with_build(old):
                deployment = Deployment()
                self.addCleanup(deployment.close)
                deployment.start()
                documents = deployment.base / "documents"
                write_documents(documents, 6)
                deployment.ingest(documents)
                files = deployment.json("file", "list", "--collection", "docs")["files"]
                deployment.casemate("file", "delete", files[0]["id"])
                kept = deployment.json("key", "create", "--name", "kept")
                revoked = deployment.json("key", "create", "--name", "revoked")
                deployment.casemate("key", "revoke", revoked["id"])
                deployment.casemate("tenant", "create", "second")
                asked = deployment.json("ask", "What is the widget 3?", "--collection", "docs")
                names = sorted(file["filename"] for file in files[1:])
                self.assertEqual(deployment.stop(), 0)
                entries = deployment.json("audit", "verify")["entries"]

            deployment.start()
            listed = deployment.json("file", "list", "--collection", "docs")["files"]
            self.assertEqual(sorted(file["filename"] for file in listed), names)
            again = deployment.json("ask", "What is the widget 3?", "--collection", "docs")
            self.assertEqual(again["grounded"], asked["grounded"])
            self.assertEqual([c["document"] for c in again["citations"]][:1], [c["document"] for c in asked["citations"]][:1])
            models = deployment.openai(kept["key"]).models.list()
            self.assertIn("casemate-answer", [model.id for model in models])
            with self.assertRaises(Exception) as refused:
                deployment.openai(revoked["key"]).models.list()
            self.assertIn("401", str(refused.exception))
            self.assertEqual({tenant["name"] for tenant in deployment.json("tenant", "list")["tenants"]},
                             {"default", "second"})
            # It can be written to as well.
            write_documents(documents / "more", 1)
            deployment.ingest(documents / "more")
            deployment.casemate("file", "delete", listed[0]["id"])
            self.assertEqual(deployment.stop(), 0)
            verified = deployment.json("audit", "verify")
            self.assertGreater(verified["entries"], entries)


if __name__ == "__main__":
    main()
