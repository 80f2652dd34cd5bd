"""How fast endpoints are probed, beside sslscan, and captures read, beside tshark."""
import concurrent.futures
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import time

from flows_harness import Openssl
from harness import BIN

FLOWS = BIN / "casemate-flows"
PARALLEL = 32


def extension(number, body):
    return struct.pack("!HH", number, len(body)) + body


def record(message_type, body):
    message = bytes([message_type]) + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x03" + struct.pack("!H", len(message)) + message


def client_hello(group, share, name):
    host = name.encode()
    extensions = (
        extension(0, struct.pack("!HBH", len(host) + 3, 0, len(host)) + host) + extension(43, b"\x02\x03\x04") +
        extension(10, struct.pack("!HHH", 4, group, 29)) + extension(13, b"\x00\x04\x04\x03\x08\x04") +
        extension(51, struct.pack("!HHH", share + 4, group, share) + os.urandom(share)))
    return record(1, b"\x03\x03" + os.urandom(32) + b"\x00\x00\x02\x13\x01\x01\x00" +
                  struct.pack("!H", len(extensions)) + extensions)


def server_hello(group, share):
    extensions = extension(43, b"\x03\x04") + extension(51, struct.pack("!HH", group, share) + os.urandom(share))
    return record(2, b"\x03\x03" + os.urandom(32) + b"\x00\x13\x01\x00" + struct.pack("!H", len(extensions)) +
                  extensions)


def segments(data, size=1400):
    return [data[at:at + size] for at in range(0, len(data), size)]


class CaptureWriter:
    """An Ethernet capture with whole TCP connections, as tcpdump writes it."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        self.time = 1_700_000_000.0

    def frame(self, source, target, ports, sequence, flags, payload=b""):
        tcp = struct.pack("!HHIIBBHHH", *ports, sequence & 0xFFFFFFFF, 0, 5 << 4, flags, 65535, 0, 0) + payload
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, source, target) + tcp
        frame = b"\x02" * 12 + b"\x08\x00" + ip
        self.time += 0.00001
        self.file.write(struct.pack("<IIII", int(self.time), int(self.time % 1 * 1e6), len(frame), len(frame)) + frame)

    def connection(self, number, hybrid, bulk):
        client, server = struct.pack("!I", 0x0A000000 + number), b"\x0a\xff\x00" + bytes([number % 20])
        group, share, answer = (0x11EC, 1216, 1120) if hybrid else (29, 32, 32)
        there = (client, server, (40000 + number % 20000, 443))
        back = (server, client, (443, 40000 + number % 20000))
        self.frame(*there, 99, 2)
        self.frame(*back, 499, 18)
        said, heard = 100, 500
        for part in segments(client_hello(group, share, f"host{number % 100}.example")):
            self.frame(*there, said, 16, part)
            said += len(part)
        # Sealed records follow, as a server sends them.
        sealed = b"".join(b"\x17\x03\x03\x40\x00" + os.urandom(16384) for _ in range(bulk // 16384))
        for part in segments(server_hello(group, answer) + b"\x14\x03\x03\x00\x01\x01" + sealed):
            self.frame(*back, heard, 16, part)
            heard += len(part)
        self.frame(*there, said, 17)
        self.frame(*back, heard, 17)


def write_capture(path, connections, bulk):
    writer = CaptureWriter(path)
    for number in range(connections):
        writer.connection(number, number % 2 == 0, bulk)
    writer.file.close()
    return path.stat().st_size


def seconds(*arguments):
    begin = time.monotonic()
    subprocess.run([str(word) for word in arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.monotonic() - begin


def bench_probe(report, quick, folder):
    count = 100 if quick else 1000
    with Openssl("-tls1_3", "-groups", "X25519MLKEM768:SecP256r1MLKEM768") as endpoint:
        targets = folder / "targets"
        targets.write_text(f"{endpoint}\n" * count)

        def probes(*options):
            return count / seconds(FLOWS, "flows", "probe", "--file", targets, "--parallel", PARALLEL, "--json", *options)

        def scans():
            begin = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
                list(pool.map(lambda _: seconds("sslscan", "--xml=-", endpoint), range(count // 10)))
            return count / 10 / (time.monotonic() - begin)

        pairs = [(probes(), probes("--quick"), scans()) for _ in range(1 if quick else 3)]
    theirs = [scan for _, _, scan in pairs]
    report.add("probing one endpoint, 27 connections each", "endpoints/s", [full for full, _, _ in pairs], theirs,
               "sslscan (no hybrid groups)", ">= 100")
    report.add("probing one endpoint, verdict only", "endpoints/s", [fast for _, fast, _ in pairs], theirs,
               "sslscan (no hybrid groups)", "reported")


def bench_read(report, quick, folder):
    for what, connections, bulk in (("sessions of 200 kB", 100 if quick else 1000, 200_000),
                                    ("sessions of 20 kB", 500 if quick else 5000, 20_000)):
        file = folder / "link.pcap"
        size = write_capture(file, connections, bulk) / 1e6
        ours, theirs = [], []
        for _ in range(1 if quick else 3):
            ours.append(size / seconds(FLOWS, "flows", "capture", file, "--json"))
            theirs.append(size / seconds("tshark", "-n", "-r", file, "-Y", "tls.handshake.type==2", "-T", "fields", "-e",
                                         "ip.src", "-e", "tls.handshake.extensions_key_share_group"))
        report.add(f"reading a capture, {what}", "MB/s", ours, theirs, "tshark, ServerHello only", "reported")
        listed = subprocess.run([FLOWS, "flows", "capture", file, "--json"], capture_output=True, check=True)
        if len(json.loads(listed.stdout)["sessions"]) != connections:
            raise SystemExit(f"{file}: not every one of {connections} sessions is listed")


def bench_flows(report, quick):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="casemate-bench-"))
    try:
        bench_probe(report, quick, folder)
        bench_read(report, quick, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
