"""Every secret has its own room: what each executable links, holds open and may reach."""
import pathlib
import re
import subprocess
import unittest

from harness import BIN, EndToEnd, main, write_documents

# What each executable may need beyond the C and C++ runtime. Anything else is a leak between rooms.
RUNTIME = {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"}
LOG = {"libspdlog.so", "libfmt.so"}
NEEDED = {
    "casemate": {"libcrypto.so.3", "libsqlite3.so.0", "libyyjson.so.0", "libtomlplusplus.so.3"} | LOG,
    "casemate-flows": {"libcrypto.so.3", "libssl.so.3", "libyyjson.so.0", "libpcap.so.0.8", "libseccomp.so.2"} | LOG,
    "casemate-attest": {"libcrypto.so.3", "libseccomp.so.2", "libyyjson.so.0", "libcbor.so.0.10", "libxml2.so.16",
                        "libxmlsec1.so.10310", "libxmlsec1-openssl.so.10310"} | LOG,
    "casemate-assess": {"libcrypto.so.3", "libseccomp.so.2", "libyyjson.so.0", "libyaml-0.so.2"} | LOG,
    "casemate-supervisor": {"libcrypto.so.3", "libseccomp.so.2", "libtomlplusplus.so.3"} | LOG,
    "casemate-front": {"libcrypto.so.3", "libssl.so.3", "libseccomp.so.2", "libyyjson.so.0"} | LOG,
    "casemate-connect": {"libcrypto.so.3", "libssl.so.3", "libseccomp.so.2", "libyyjson.so.0"} | LOG,
    "casemate-keeper": {"libcrypto.so.3", "libsqlite3.so.0", "libseccomp.so.2", "libyyjson.so.0"} | LOG,
    "casemate-room": {"libcrypto.so.3", "libllama.so.0", "libggml.so.0", "libggml-base.so.0", "libseccomp.so.2"} | LOG,
    "casemate-parse": {"libcrypto.so.3", "liblexbor.so.3", "libseccomp.so.2", "libpoppler-cpp.so.3",
                       "libarchive.so.13", "libexpat.so.1"} | LOG,
    "casemate-loader": {"libcrypto.so.3", "libseccomp.so.2"} | LOG,
    "casemate-custodian": {"libcrypto.so.3", "libsqlite3.so.0", "libseccomp.so.2"} | LOG,
}


def needed(path):
    listing = subprocess.run(["objdump", "-p", str(path)], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"NEEDED\s+(\S+)", listing))


class LinkTest(unittest.TestCase):
    def test_each_executable_needs_what_its_room_may_hold_and_no_more(self):
        for name, allowed in NEEDED.items():
            found = {re.sub(r"^(libspdlog\.so|libfmt\.so)\..*", r"\1", library) for library in needed(BIN / name)}
            self.assertLessEqual(found, allowed | RUNTIME, name)

    def test_the_list_covers_every_executable(self):
        built = {path.name for path in BIN.iterdir() if path.name.startswith("casemate")}
        self.assertEqual(built, set(NEEDED))


class IsolationTest(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        documents = cls.deployment.base / "documents"
        write_documents(documents, 1)
        cls.deployment.ingest(documents)
        cls.deployment.casemate("ask", "What is the widget 0?", "--collection", "docs")

    def descriptors(self, pid):
        links = {}
        for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            try:
                links[entry.name] = str(entry.readlink())
            except OSError:
                continue
        return links

    def test_no_process_runs_without_seccomp_and_no_new_privileges(self):
        for pid, name in self.deployment.processes().items():
            if not name.startswith("casemate-"):
                continue
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            self.assertRegex(status, r"Seccomp:\s+2", name)
            self.assertRegex(status, r"NoNewPrivs:\s+1", name)

    def test_rooms_and_keepers_hold_no_network_socket(self):
        internet = {line.split()[9] for table in ("tcp", "tcp6", "udp", "udp6")
                    for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]}
        for pid, name in self.deployment.processes().items():
            sockets = {link[8:-1] for link in self.descriptors(pid).values() if link.startswith("socket:")}
            if name in ("casemate-front", "casemate-superv", "casemate"):
                continue
            self.assertFalse(sockets & internet, f"{name} holds an internet socket")

    def test_only_the_keeper_has_the_tenants_files_open(self):
        for pid, name in self.deployment.processes().items():
            paths = [link for link in self.descriptors(pid).values() if "/tenants/" in link]
            if name != "casemate-keeper":
                self.assertEqual(paths, [], name)

    def test_only_the_custodian_has_token_and_tree_open_or_mapped(self):
        for pid, name in self.deployment.processes().items():
            if name == "casemate-custod":
                continue
            maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
            self.assertNotIn("libsofthsm2", maps, name)
            for link in self.descriptors(pid).values():
                self.assertNotIn("/custodian/tree", link, name)
                self.assertNotIn("/custodian/token", link, name)

    def test_memory_is_not_dumpable(self):
        for pid, name in self.deployment.processes().items():
            if name.startswith("casemate-"):
                limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
                self.assertRegex(limits, r"Max core file size\s+0\s+0", name)

    def test_processes_without_a_row_in_the_matrix_share_no_socket_pair(self):
        """Each socket's peer, from ss: only pairs of the channel matrix may be connected."""
        listing = subprocess.run(["ss", "-xpn"], capture_output=True, text=True, check=True).stdout
        owner = {}
        for pid, name in self.deployment.processes().items():
            for link in self.descriptors(pid).values():
                if link.startswith("socket:"):
                    owner.setdefault(link[8:-1], set()).add(name)
        allowed = {frozenset(pair) for pair in (
            ("casemate-superv", "casemate-front"), ("casemate-superv", "casemate-custod"),
            ("casemate-superv", "casemate-keeper"), ("casemate-superv", "casemate-room"),
            ("casemate-superv", "casemate-parse"), ("casemate-superv", "casemate-loader"),
            ("casemate-superv", "casemate"),
            ("casemate-front", "casemate-custod"), ("casemate-front", "casemate-keeper"),
            ("casemate-keeper", "casemate-custod"), ("casemate-keeper", "casemate-room"),
            ("casemate-keeper", "casemate-parse"))}
        pairs = set()
        for line in listing.splitlines():
            columns = line.split()
            if len(columns) < 8 or not columns[0].startswith("u_"):
                continue
            for left in owner.get(columns[5], ()):
                for right in owner.get(columns[7], ()):
                    if left != right:
                        pairs.add(frozenset((left, right)))
        self.assertGreater(len(pairs), 3, "ss showed no pair: nothing was tested")
        self.assertLessEqual(pairs, allowed)


if __name__ == "__main__":
    main()
