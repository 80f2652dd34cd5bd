"""Starting, ending, dying: what an operator sees."""
import contextlib
import os
import shutil
import signal
import time
import unittest

from harness import CASEMATE, CHEAP, Deployment, EndToEnd, Failed, casemate, main, run, write_documents


class LifecycleTest(EndToEnd):
    def test_sigterm_ends_every_process_within_five_seconds(self):
        deployment = Deployment()
        self.addCleanup(deployment.close)
        deployment.start()
        deployment.casemate("collection", "list")  # a keeper is there
        pids = deployment.processes()
        self.assertGreaterEqual(len(pids), 4, pids)
        started = time.monotonic()
        self.assertEqual(deployment.stop(), 0)
        # The bound is the promise itself ("SIGTERM ends everything within 5 s"), not a benchmark.
        self.assertLess(time.monotonic() - started, 5.0)
        for pid in pids:
            self.assertFalse(os.path.exists(f"/proc/{pid}"), f"{pids[pid]} is still there")

    def test_the_supervisors_death_ends_all(self):
        deployment = Deployment()
        self.addCleanup(deployment.close)
        deployment.start()
        deployment.casemate("collection", "list")
        pids = deployment.processes()
        os.kill(deployment.pid_of("supervisor"), signal.SIGKILL)
        end = time.monotonic() + 10
        while time.monotonic() < end and any(os.path.exists(f"/proc/{pid}") for pid in pids
                                             if pid != deployment.server.pid):
            time.sleep(0.05)
        left = {pid: name for pid, name in pids.items()
                if pid != deployment.server.pid and os.path.exists(f"/proc/{pid}")}
        self.assertEqual(left, {})

    def test_a_second_server_on_the_deployment_refuses(self):
        second = self.deployment.base / "second-ready"
        refused = run(CASEMATE, "serve", "--dir", self.deployment.dir, "--passphrase-file",
                      self.deployment.passphrase, "--listen", "127.0.0.1:0", "--ready-file", second, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertRegex(refused.stderr, "already|another server|in use")
        self.assertFalse(second.exists())
        self.deployment.casemate("status")  # the first one goes on

    def test_a_wrong_passphrase_is_named_and_nothing_starts(self):
        deployment = Deployment()
        self.addCleanup(deployment.close)
        deployment.passphrase.write_text("wrong")
        with self.assertRaisesRegex(AssertionError, "passphrase"):
            deployment.start(wait=30)

    def test_a_vanished_token_is_named(self):
        deployment = Deployment()
        self.addCleanup(deployment.close)
        shutil.rmtree(deployment.dir / "custodian/token")
        with self.assertRaisesRegex(AssertionError, "token"):
            deployment.start(wait=30)

    def test_every_child_may_die_and_the_server_goes_on(self):
        documents = self.deployment.base / "documents"
        write_documents(documents, 2)
        self.deployment.ingest(documents)
        for victim in ("keeper", "room", "front", "custodian"):
            with self.subTest(victim):
                self.deployment.casemate("ask", "What is the widget 1?", "--collection", "docs")
                pid = self.deployment.pid_of(victim)
                os.kill(pid, signal.SIGKILL)
                end = time.monotonic() + 20
                while True:
                    asked = self.deployment.casemate("ask", "What is the widget 1?", "--collection", "docs",
                                                     check=False)
                    if asked.returncode == 0 or time.monotonic() > end:
                        break
                    time.sleep(0.2)
                self.assertEqual(asked.returncode, 0, asked.stderr + self.deployment.log_text())
                self.assertRegex(self.deployment.log_text(), rf"(?s)died.*{victim}|{victim}.*died")

    def test_commands_without_a_server_say_how_to_start_one(self):
        deployment = Deployment()
        self.addCleanup(deployment.close)
        refused = deployment.casemate("key", "create", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("casemate serve", refused.stderr)

    def test_init_refuses_a_folder_that_is_a_deployment_already(self):
        refused = casemate("init", "--dir", self.deployment.dir, "--passphrase-file", self.deployment.passphrase,
                           *CHEAP, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("already", refused.stderr)

    def test_an_insecure_pin_file_is_pointed_at(self):
        deployment = Deployment("--insecure-pin-file", "--no-mirror")
        self.addCleanup(deployment.close)
        deployment.start()
        self.assertIn("stolen disk opens everything", deployment.log_text())
        doctor = deployment.casemate("doctor", check=False)
        self.assertIn("stolen disk opens everything", doctor.stdout)

    def test_every_command_has_help_with_an_example(self):
        for command in ("init", "serve", "ingest", "ask", "model add", "model list", "tenant create", "tenant list",
                        "key create", "key list", "key revoke", "principal create", "principal list",
                        "principal suspend", "principal resume", "principal remove", "grant add", "grant list",
                        "grant remove", "tenant suspend", "tenant resume", "tenant remove", "file upload",
                        "collection list", "file list", "file delete",
                        "audit show", "audit verify", "audit prove", "backup", "restore", "doctor", "status",
                        "version", "metrics", "reload", "unlock"):
            shown = casemate(*command.split(), "--help").stdout
            self.assertRegex(shown, r"(?i)example", command)
            self.assertIn("casemate " + command, shown)

    def test_a_secret_on_the_command_line_is_not_possible(self):
        shown = casemate("init", "--help").stdout
        self.assertNotRegex(shown, r"--passphrase[ =]")


if __name__ == "__main__":
    main()
