#!/usr/bin/env python3
"""Measures Casemate beside what it is compared with: ./dev bench [NAME...] [--quick] [--json] [--write].

Pairs are measured one after the other, so that both see the same machine; a ratio is given as its median over the
pairs with the 10th and 90th percentile. Nothing here is asserted, and nothing is run in CI but the smoke run.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from common import ROOT, TEXT, Client, LlamaServer, Report, chat, median, percentile
from flows import bench_flows
from inference import bench_inference
from harness import BIN, Deployment, write_documents

MICRO = BIN.parent / "bench/casemate_bench_micro"


def micro(*arguments):
    run = subprocess.run([MICRO, *map(str, arguments)], capture_output=True, text=True, check=True)
    values = {}
    for line in run.stdout.splitlines():
        values |= json.loads(line)
    return values


def openssl_speed(seconds, size):
    run = subprocess.run(["openssl", "speed", "-mr", "-seconds", str(seconds), "-bytes", str(size), "-evp",
                          "aes-256-gcm"], capture_output=True, text=True, check=True)
    return float(re.search(r"^\+F:\d+:[^:]+:([\d.]+)", run.stdout, re.M).group(1))


def bench_seal(report, quick):
    pairs = 2 if quick else 5
    ours, theirs = [], []
    for _ in range(pairs):
        ours.append(micro("seal", 0.1 if quick else 0.5))
        theirs.append(openssl_speed(1, 16384))
    for name, what in (("seal_stream", "sealing a stream of 64 MiB"), ("open_stream", "opening a stream of 64 MiB"),
                       ("seal_memory", "sealing 64 MiB in memory"), ("open_memory", "opening 64 MiB in memory")):
        report.add(what, "B/s, one core", [run[f"{name}_bytes_per_s"] for run in ours], theirs,
                   "openssl speed, 16 KiB", ">= 0.9")
    for size in (1024, 4096):
        report.add(f"opening objects of {size} B", "objects/s, one core",
                   [run[f"open_{size}_objects_per_s"] for run in ours], target="reported")


def bench_vector(report, quick):
    for count in [2000] if quick else [2000, 10000, 50000]:
        runs = [micro("search", 0.1 if quick else 0.5, count) for _ in range(1 if quick or count > 10000 else 3)]
        recalls = {effort: runs[0][f"hnsw_ef{effort}_{count}_recall"] for effort in (16, 64, 200)}
        effort = next((e for e, recall in recalls.items() if recall >= 0.95), 200)
        report.add(f"vector search, {count} x 256, exact", "queries/s", [r[f"flat_{count}_queries_per_s"] for r in runs],
                   [r[f"hnsw_ef{effort}_{count}_queries_per_s"] for r in runs],
                   f"hnswlib, recall@10 {recalls[effort]:.3f} (ef {effort})", ">= 0.9")


def bench_disk(report, quick, folder=None):
    """What the ticket's durable write costs on this disk."""
    def syncs(where):
        times = []
        with tempfile.NamedTemporaryFile(dir=where) as file:
            for _ in range(20 if quick else 200):
                os.write(file.fileno(), b"x" * 512)
                begin = time.perf_counter()
                os.fdatasync(file.fileno())
                times.append((time.perf_counter() - begin) * 1e3)
        return times
    times = syncs(folder or "/var/tmp")
    report.add("fdatasync of 512 appended bytes, median", "ms", [median(times)])
    report.add("fdatasync of 512 appended bytes, p99", "ms", [percentile(times, 0.99)])


def custody_times(folder, count):
    run = subprocess.run([MICRO.with_name("casemate_bench_custody"), str(count)], capture_output=True, text=True,
                         check=True, env=os.environ | {"TMPDIR": folder})
    lists = {}
    for line in run.stdout.splitlines():
        lists |= json.loads(line)
    return lists


def bench_custody(report, quick):
    """At the custodian's own interface: its socket, SoftHSM2 and the log, without TLS, keeper or model."""
    count = 20 if quick else 400
    disk, memory = custody_times("/var/tmp", count), custody_times("/dev/shm", count)
    against = "the same in memory files, no durable write"
    for name, what, target in (("ticket", "a ticket, durable in the log before the answer", "one fdatasync more"),
                               ("open_1", "release of 1 key under it", "reported"),
                               ("open_64", "release of 64 keys under it", "reported"),
                               ("close", "its close, what was released itemised in the log", "reported"),
                               ("revocation", "revocation, until the keeper's 64 keys are wiped", "p99 <= 50 ms")):
        for word, part in (("median", 0.5), ("p99", 0.99)):
            report.add(f"{what}, {word}", "ms", [percentile(disk[name], part) / 1e3],
                       [percentile(memory[name], part) / 1e3], against, target, better="lower")


def documents_of(folder, count):
    return write_documents(folder, count, lambda i: f"# Widget {i}\n\nThe widget {i} is a device of kind {i % 7}.\n\n"
                           + "\n\n".join(f"Paragraph {p} of {i}. " + TEXT * 3 for p in range(5)))


def service_times(base, quick):
    """Milliseconds of searches and of first tokens of short chats, and the seconds of an ingest, in one folder."""
    work = pathlib.Path(tempfile.mkdtemp(prefix="casemate-bench-", dir=base))
    deployment = llama = None
    try:
        deployment = Deployment("--mirror", work / "mirror", base=work).start()
        paths = documents_of(work / "documents", 10 if quick else 100)
        size = sum(path.stat().st_size for path in paths)
        begin = time.perf_counter()
        deployment.ingest(work / "documents", timeout=600)
        ingest = time.perf_counter() - begin
        client = Client(deployment.address, deployment.dir / "tls/ca.pem", deployment.key())
        store = client.call("GET", "/v1/vector_stores")["data"][0]["id"]
        searches = []
        for i in range(12 if quick else 200):
            begin = time.perf_counter()
            client.call("POST", f"/v1/vector_stores/{store}/search", {"query": f"What is the widget {i % len(paths)}?"})
            searches.append((time.perf_counter() - begin) * 1e3)
        searches = searches[2:]  # the first opens the index
        llama = LlamaServer(ROOT / "models/casemate-answer-q8_0.gguf", 1, 1, 320)
        plain = Client(llama.address)
        ours, theirs = [], []
        for i in range(4 if quick else 40):
            body = chat("casemate-answer", i, 12, 4)
            ours.append(client.stream(body).first * 1e3)
            theirs.append(plain.stream(body | {"cache_prompt": False}).first * 1e3)
        return {"documents": len(paths), "bytes": size, "ingest_s": ingest, "searches": searches, "first": ours[1:],
                "llama_first": theirs[1:]}
    finally:
        if llama:
            llama.stop()
        if deployment:
            deployment.close()
        shutil.rmtree(work, ignore_errors=True)


def bench_service(report, quick):
    disk = service_times("/var/tmp", quick)
    memory = service_times("/dev/shm", quick)
    report.add("ingest of Markdown, every acknowledged document durable", "documents/s",
               [disk["documents"] / disk["ingest_s"]], target="reported")
    report.add("ingest of Markdown", "KB/s", [disk["bytes"] / 1e3 / disk["ingest_s"]], target="reported")
    report.add("search over TLS, median (embedding, ticket with durable write, both indexes)", "ms",
               [median(disk["searches"])], [median(memory["searches"])], "the same in memory files, no durable write",
               better="lower")
    report.add("search over TLS, p99", "ms", [percentile(disk["searches"], 0.99)],
               [percentile(memory["searches"], 0.99)], "the same in memory files", better="lower")
    for name, times in (("no durable write", memory), ("durable write", disk)):
        extra = [a - b for a, b in zip(times["first"], times["llama_first"])]
        target = "<= 2 ms" if times is memory else "<= 2 ms + one fdatasync"
        report.add(f"first token of a 12-word chat, {name}", "ms", times["first"], times["llama_first"],
                   "llama-server, plain HTTP, no audit", better="lower")
        report.add(f"of that, more than llama-server's, {name}", "ms", extra, target=target)


def handshakes(address, seconds):
    run = subprocess.run(["openssl", "s_time", "-connect", address, "-new", "-time", str(seconds), "-tls1_3"],
                         capture_output=True, text=True)
    found = re.search(r"(\d+) connections in (\d+) real seconds", run.stdout)
    return float(found.group(1)) / float(found.group(2)) if found else 0.0


def bench_tls(report, quick):
    work = pathlib.Path(tempfile.mkdtemp(prefix="casemate-bench-", dir="/var/tmp"))
    deployment = server = None
    try:
        deployment = Deployment(base=work).start()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=localhost", "-keyout", work / "key.pem", "-out", work / "cert.pem"],
                       check=True, capture_output=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % free.getsockname()[1]
        server = subprocess.Popen(["openssl", "s_server", "-accept", address, "-key", work / "key.pem", "-cert",
                                   work / "cert.pem", "-tls1_3", "-groups", "X25519MLKEM768", "-num_tickets", "0",
                                   "-quiet"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        ours, theirs = [], []
        for _ in range(1 if quick else 3):
            ours.append(handshakes(deployment.address, 1 if quick else 3))
            theirs.append(handshakes(address, 1 if quick else 3))
        if all(ours) and all(theirs):
            report.add("TLS 1.3 handshakes, X25519MLKEM768, one client", "1/s", ours, theirs, "openssl s_server",
                       "reported")
        else:
            print("tls: openssl s_time counted nothing", file=sys.stderr)
    finally:
        if server:
            server.kill()
            server.wait(10)
        if deployment:
            deployment.close()
        shutil.rmtree(work, ignore_errors=True)


BENCHES = {"seal": bench_seal, "vector": bench_vector, "disk": bench_disk, "custody": bench_custody, "tls": bench_tls,
           "flows": bench_flows, "service": bench_service, "inference": bench_inference}


def machine():
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())
    version = subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout.split(" (")[0].strip()
    return (f"{cpu.group(1) if cpu else platform.processor()}, {os.cpu_count()} cores, "
            f"{int(memory.group(1)) >> 20} GiB, Linux {platform.release().split('-')[0]}, {version}, "
            f"load {os.getloadavg()[0]:.1f} at the beginning")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(BENCHES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="small and short: whether it works, not how fast it is")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # servers and folders go too
    for name in options.names:
        if name not in BENCHES:
            parser.error(f"no bench '{name}'; there are {', '.join(BENCHES)}")
    where, report, begin = machine(), Report(), time.monotonic()
    for name in options.names or BENCHES:
        BENCHES[name](report, options.quick)
    took = time.monotonic() - begin
    if options.json:
        print(json.dumps({"machine": where, "seconds": took, "rows": report.rows}))
    else:
        print(report.table())
    if options.write:
        page = ROOT / "docs/performance.md"
        command = " ".join(["./dev bench", *options.names, *(["--quick"] if options.quick else [])])
        section = (f"{datetime.date.today()}, {where}. `{command}`, {took:.0f} s.\n\n{report.table()}\n")
        head, rest = page.read_text().split("<!-- table -->\n", 1)
        _, tail = rest.split("<!-- end of table -->\n", 1)
        page.write_text(f"{head}<!-- table -->\n{section}<!-- end of table -->\n{tail}")


if __name__ == "__main__":
    main()
