"""Asks models through Casemate itself: a deployment of its own on loopback, and several requests at a time."""
import concurrent.futures
import http.client
import json
import pathlib
import ssl
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/end_to_end"))
import harness  # noqa: E402

AT_ONCE = 4  # as many answers as a room makes at the same time (rooms.sequences)
ANSWER_TOKENS = 160


class Server:
    """A deployment made by `casemate init` with the shipped models, those files that are given in their place, and further models
    ({name: (file, context tokens)}); running until close()."""

    def __init__(self, models, answerer=None, embedder=None):
        base = pathlib.Path(tempfile.mkdtemp(prefix="casemate-eval-"))
        folder = base / "models"
        folder.mkdir()
        for shipped in (ROOT / "models").glob("*.gguf"):
            given = embedder if "embed" in shipped.name else answerer if "answer" in shipped.name else None
            (folder / shipped.name).write_bytes(pathlib.Path(given or shipped).read_bytes())
        self.deployment = harness.Deployment("--no-mirror", "--models", folder, base=base)
        try:
            self.deployment.start()
            for name, (file, context) in models.items():
                self.deployment.casemate("model", "add", file, "--name", name, "--context-tokens", context)
            self.key = self.deployment.key()
            self.tls = ssl.create_default_context(cafile=str(self.deployment.dir / "tls/ca.pem"))
        except BaseException:
            self.deployment.close()
            raise
        self.local = threading.local()

    def close(self):
        self.deployment.close()

    def post(self, path, body):
        """(status, JSON of the answer); waits where the server says that it is busy, and asks three times where an answer was cancelled
        (a machine with other work)."""
        data = json.dumps(body).encode()
        left = 3
        while True:
            connection = getattr(self.local, "connection", None)
            if connection is None:
                host, port = self.deployment.address.rsplit(":", 1)
                connection = self.local.connection = http.client.HTTPSConnection(host, int(port), context=self.tls, timeout=300)
            try:
                connection.request("POST", path, data, {"content-type": "application/json", "authorization": "Bearer " + self.key})
                response = connection.getresponse()
                text = response.read()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                connection.close()
                self.local.connection = None
                continue
            if response.status == 429:
                time.sleep(0.1)
                continue
            found = json.loads(text)
            if response.status != 200 and found["error"].get("code") in ("cancelled", "unavailable", "deadline_exceeded") and left > 1:
                left -= 1
                continue
            return response.status, found

    def answer(self, model, question, passages, quotes="free", temperature=0.0, seed=1, max_tokens=ANSWER_TOKENS):
        """{"text", "prompt_tokens", "answer_tokens", "finish"}; {"error"} with the server's code where it refuses."""
        messages = [{"role": "user", "content": question}]
        request = {"model": model, "messages": messages, "max_tokens": max_tokens, "temperature": temperature, "seed": seed}
        if quotes == "free":
            messages.insert(0, {"role": "system", "content": prompt(passages)})
        else:
            request["casemate"] = {"quotes": quotes, "passages": passages}
        status, body = self.post("/v1/chat/completions", request)
        if status != 200:
            return {"error": body["error"].get("code") or str(status), "message": body["error"]["message"]}
        choice = body["choices"][0]
        return {"text": choice["message"]["content"] or "", "prompt_tokens": body["usage"]["prompt_tokens"],
                "answer_tokens": body["usage"]["completion_tokens"], "finish": choice["finish_reason"]}

    def fitted(self, model, question, passages, **options):
        """As answer; passages are cut, the longest first, until the model's context holds them: as a small model's prompt is."""
        said = self.answer(model, question, passages, **options)
        allowed = max(len(text) for text in passages)
        while said.get("error") == "context_length_exceeded" and allowed > 80:
            allowed = int(allowed * 0.75)
            passages = [shortened(text, question, allowed) for text in passages]
            said = self.answer(model, question, passages, **options)
        said["passages"] = passages
        return said


def prompt(passages):
    """The system message that the server makes of passages (src/api/grounding.cc, WithPassages)."""
    return "Answer from the documents." + "".join(f"\n[{number}] {text}" for number, text in enumerate(passages, 1))


def shortened(text, question, most):
    """The run of sentences of `text` that begins with the one nearest to the question and has at most `most` characters: what
    Casemate's grounding does for a small context (src/api/grounding.cc)."""
    import bm25
    import passages
    if len(text) <= most:
        return text
    found = passages.sentences(text)
    wanted = set(bm25.terms(question))
    best = max(range(len(found)), key=lambda i: (len(found[i]) <= most, len(wanted & set(bm25.terms(found[i]))), -i))
    out = found[best][:most]
    for sentence in found[best + 1:]:
        if len(out) + 1 + len(sentence) > most:
            break
        out += " " + sentence
    return out


def ask_all(work, items):
    """`work(item)` of every item, AT_ONCE at a time, in the order of `items`."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(work, items))
