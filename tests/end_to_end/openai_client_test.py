"""Debian's python3-openai, unmodified, against the hybrid port."""
import io
import time

import openai

from harness import EndToEnd, main

DOCUMENT = """# Glossary

## turret

A turret is a small tower that stands on a larger building.

## portcullis

A portcullis is a heavy iron gate that slides down in grooves to close a castle's door.

## casemate

A casemate is a vaulted room inside a fortress wall.
"""


class OpenAiClientTest(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = cls.deployment.openai()

    def test_models_are_listed(self):
        names = {model.id for model in self.client.models.list()}
        self.assertLessEqual({"casemate-answer", "casemate-embed"}, names)
        self.assertEqual(self.client.models.retrieve("casemate-answer").id, "casemate-answer")

    def test_a_chat_completion_streams(self):
        pieces, finish, usage = [], None, None
        with self.client.chat.completions.create(
                model="casemate-answer", stream=True, temperature=0, max_tokens=40,
                stream_options={"include_usage": True},
                messages=[{"role": "system", "content": "Answer from the documents.\n[1] A turret is a small tower."},
                          {"role": "user", "content": "What is a turret?"}]) as stream:
            for event in stream:
                if event.usage:
                    usage = event.usage
                for choice in event.choices:
                    pieces.append(choice.delta.content or "")
                    finish = choice.finish_reason or finish
        self.assertGreater(len(pieces), 2)
        self.assertIn("tower", "".join(pieces))
        self.assertIn(finish, ("stop", "length"))
        self.assertGreater(usage.prompt_tokens, 10)
        self.assertGreater(usage.completion_tokens, 2)

    def test_a_chat_completion_comes_whole_and_is_the_same_for_the_same_seed(self):
        def ask():
            return self.client.chat.completions.create(
                model="casemate-answer", temperature=0.8, seed=7, max_tokens=24,
                messages=[{"role": "user", "content": "What is a tower?"}]).choices[0].message.content
        self.assertEqual(ask(), ask())

    def test_embeddings_come_as_floats_and_as_base64_alike(self):
        # The client asks for base64 unless told otherwise, and decodes it.
        packed = self.client.embeddings.create(model="casemate-embed", input=["a tower", "an iron gate"])
        plain = self.client.embeddings.create(model="casemate-embed", input=["a tower", "an iron gate"],
                                              encoding_format="float")
        self.assertEqual(len(packed.data), 2)
        for left, right in zip(packed.data, plain.data):
            self.assertEqual(len(left.embedding), len(right.embedding))
            for x, y in zip(left.embedding, right.embedding):
                self.assertAlmostEqual(x, y, places=5)
            self.assertAlmostEqual(sum(x * x for x in left.embedding), 1.0, places=3)

    def test_a_file_goes_into_a_vector_store_and_is_cited(self):
        file = self.client.files.create(file=("glossary.md", io.BytesIO(DOCUMENT.encode())), purpose="assistants")
        self.assertEqual(file.filename, "glossary.md")
        self.assertEqual(file.bytes, len(DOCUMENT.encode()))
        self.assertEqual(self.client.files.content(file.id).read(), DOCUMENT.encode())
        store = self.client.vector_stores.create(name="castle words")
        attached = self.client.vector_stores.files.create(vector_store_id=store.id, file_id=file.id)
        end = time.monotonic() + 60
        while attached.status == "in_progress" and time.monotonic() < end:
            time.sleep(0.1)
            attached = self.client.vector_stores.files.retrieve(vector_store_id=store.id, file_id=file.id)
        self.assertEqual(attached.status, "completed", attached.last_error)

        found = self.client.vector_stores.search(vector_store_id=store.id, query="portcullis")
        self.assertIn("iron gate", found.data[0].content[0].text)

        tools = [{"type": "file_search", "vector_store_ids": [store.id]}]
        answer = self.client.responses.create(model="casemate-answer", input="What is a portcullis?", tools=tools,
                                              temperature=0, include=["file_search_call.results"])
        self.assertFalse(answer.store)
        text = answer.output_text
        self.assertIn("gate", text)
        message = [item for item in answer.output if item.type == "message"][0]
        citations = [a for part in message.content for a in part.annotations if a.type == "file_citation"]
        self.assertGreaterEqual(len(citations), 1)
        self.assertEqual(citations[0].file_id, file.id)
        self.assertEqual(citations[0].filename, "glossary.md")

        events = []
        with self.client.responses.create(model="casemate-answer", input="What is a portcullis?", tools=tools,
                                          temperature=0, stream=True) as stream:
            events = list(stream)
        kinds = [event.type for event in events]
        self.assertEqual(kinds[0], "response.created")
        self.assertEqual(kinds[-1], "response.completed")
        self.assertIn("response.file_search_call.completed", kinds)
        self.assertIn("response.output_text.annotation.added", kinds)
        streamed = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        self.assertEqual(streamed, events[-1].response.output_text)

        deleted = self.client.files.delete(file.id)
        self.assertTrue(deleted.deleted)
        with self.assertRaises(openai.NotFoundError):
            self.client.files.retrieve(file.id)
        self.assertEqual(list(self.client.vector_stores.search(vector_store_id=store.id, query="portcullis").data), [])

    def test_files_go_into_a_vector_store_together(self):
        store = self.client.vector_stores.create(name="castle batch")
        streams = [(f"part {i}.md", io.BytesIO(f"# Part {i}\n\nA barbican of kind {i}.\n".encode())) for i in range(3)]
        streams.append(("broken.pdf", io.BytesIO(b"%PDF-1.7 and nothing else")))
        batch = self.client.vector_stores.file_batches.upload_and_poll(vector_store_id=store.id, files=streams,
                                                                       poll_interval_ms=100)
        self.assertEqual(batch.status, "completed")
        self.assertEqual((batch.file_counts.completed, batch.file_counts.failed, batch.file_counts.total), (3, 1, 4))
        again = self.client.vector_stores.file_batches.retrieve(batch.id, vector_store_id=store.id)
        self.assertEqual(again, batch)
        failed = self.client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id, filter="failed")
        self.assertEqual([(f.last_error is not None) for f in failed.data], [True])
        # Two pages of two.
        pages = self.client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id, limit=2, order="asc")
        self.assertEqual(len({f.id for f in pages}), 4)
        self.assertEqual(self.client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id).file_counts,
                         batch.file_counts)
        with self.assertRaises(openai.NotFoundError):
            self.client.vector_stores.file_batches.retrieve("vsfb_" + "a" * 26, vector_store_id=store.id)

    def test_errors_are_those_that_the_client_knows(self):
        with self.assertRaises(openai.NotFoundError) as caught:
            self.client.chat.completions.create(model="gpt-4", messages=[{"role": "user", "content": "x"}])
        self.assertEqual(caught.exception.code, "model_not_found")
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.chat.completions.create(model="casemate-answer",
                                                messages=[{"role": "user", "content": "word " * 4000}])
        self.assertEqual(caught.exception.code, "context_length_exceeded")
        self.assertRegex(str(caught.exception), r"\d{4}.*\b\d{3}\b|\b\d{3}\b.*\d{4}")
        with self.assertRaises(openai.AuthenticationError):
            self.deployment.openai(key="cm-not-a-key").models.list()
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.chat.completions.create(model="casemate-answer", temperature="hot",
                                                messages=[{"role": "user", "content": "x"}])
        self.assertEqual(caught.exception.param, "temperature")

    def test_what_is_known_but_not_served_is_named(self):
        raw = self.client.chat.completions.with_raw_response.create(
            model="casemate-answer", max_tokens=4, metadata={"k": "v"},
            messages=[{"role": "user", "content": "What is a tower?"}])
        self.assertIn("metadata", raw.headers["x-casemate-ignored"])


if __name__ == "__main__":
    main()
