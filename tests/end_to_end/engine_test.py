"""What the engine offers beside plain text, through Debian's python3-openai, unmodified: choices, log probabilities,
JSON by schema, tools, completions, reranking, verbatim quotations."""
import enum
import json
import typing

import openai
import pydantic

from harness import EndToEnd, main

SYSTEM = "Answer from the documents.\n[1] A turret is a small tower that stands on a larger building."
MESSAGES = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "What is a turret?"}]
DOCUMENT = """# Glossary

## turret

A turret is a small tower that stands on a larger building.

## portcullis

A portcullis is a heavy iron gate that slides down in grooves to close a castle's door.
"""


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Stone(pydantic.BaseModel):
    weight: typing.Literal[1, 2, 3]
    hewn: bool


class Tower(pydantic.BaseModel):
    storeys: int
    colour: Colour
    stone: Stone
    flag: typing.Literal["none", "pennant"] | None


SMALL = {"type": "object", "additionalProperties": False, "required": ["storeys", "kind"],
         "properties": {"storeys": {"type": "integer", "minimum": 1, "maximum": 9},
                        "kind": {"enum": ["round", "square"]}}}
# Small: the shipped model has 320 tokens for the functions, the words around them and the call.
BUILD = {"name": "build", "strict": True, "parameters": {
    "type": "object", "properties": {"n": {"type": "integer", "minimum": 1, "maximum": 9}}, "required": ["n"]}}
GO = [{"role": "user", "content": "Go"}]


class EngineTest(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = cls.deployment.openai()

    def chat(self, **more):
        return self.client.chat.completions.create(**{"model": "casemate-answer", "messages": MESSAGES,
                                                      "max_tokens": 24, "temperature": 0, **more})

    def check_small(self, text):
        made = json.loads(text)
        self.assertEqual(list(made), ["storeys", "kind"])
        self.assertIn(made["storeys"], range(1, 10))
        self.assertIn(made["kind"], ("round", "square"))

    def check_call(self, arguments):
        self.assertRegex(arguments, r'^\{"n":[1-9]\}$')

    def test_several_choices_come_from_one_prompt(self):
        answer = self.chat(n=3, temperature=1.2, seed=5)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2])
        self.assertGreater(len({choice.message.content for choice in answer.choices}), 1)
        one = self.chat(temperature=1.2, seed=6)
        self.assertEqual(answer.choices[1].message.content, one.choices[0].message.content)
        self.assertEqual(answer.usage.prompt_tokens, one.usage.prompt_tokens)
        pieces, ended = {}, {}
        for chunk in self.chat(n=3, temperature=1.2, seed=5, stream=True):
            for choice in chunk.choices:
                pieces[choice.index] = pieces.get(choice.index, "") + (choice.delta.content or "")
                ended[choice.index] = choice.finish_reason or ended.get(choice.index)
        self.assertEqual(pieces, {c.index: c.message.content for c in answer.choices})
        self.assertEqual(ended, {c.index: c.finish_reason for c in answer.choices})

    def test_sampling_parameters_do_what_they_say(self):
        plain = self.chat().choices[0].message.content
        self.assertEqual(self.chat(temperature=1.5, extra_body={"top_k": 1}).choices[0].message.content, plain)
        self.assertEqual(self.chat(temperature=1.5, extra_body={"min_p": 1.0}).choices[0].message.content, plain)
        self.assertNotEqual(self.chat(presence_penalty=2, frequency_penalty=2).choices[0].message.content, None)
        first = self.chat(max_tokens=1, logprobs=True, top_logprobs=2)
        token = first.choices[0].logprobs.content[0]
        other = self.client.completions.create(model="casemate-answer", prompt="A turret is a", max_tokens=1,
                                               temperature=0, logit_bias={"100": 100})
        usual = self.client.completions.create(model="casemate-answer", prompt="A turret is a", max_tokens=1,
                                               temperature=0)
        self.assertNotEqual(other.choices[0].text, usual.choices[0].text)
        self.assertEqual(first.choices[0].finish_reason, "length")
        self.assertEqual(len(token.top_logprobs), 2)

    def test_log_probabilities_have_openais_form(self):
        answer = self.chat(logprobs=True, top_logprobs=3)
        content = answer.choices[0].logprobs.content
        told = b"".join(bytes(token.bytes) for token in content)
        self.assertTrue(told.startswith(answer.choices[0].message.content.encode()), told)
        for token in content:
            self.assertLessEqual(token.logprob, 0)
            self.assertEqual(len(token.top_logprobs), 3)
            values = [top.logprob for top in token.top_logprobs]
            self.assertEqual(values, sorted(values, reverse=True))
        self.assertEqual(content[0].token, content[0].top_logprobs[0].token)

    def test_a_completion_goes_on_with_its_prompt(self):
        answer = self.client.completions.create(model="casemate-answer", prompt=["A tower is", "A gate is"], n=2,
                                                max_tokens=6, logprobs=2, seed=1)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2, 3])
        for choice in answer.choices:
            told = choice.logprobs
            self.assertEqual(len(told.tokens), len(told.token_logprobs))
            self.assertEqual(told.text_offset[0], 0)
        pieces = [chunk.choices[0].text for chunk in self.client.completions.create(
            model="casemate-answer", prompt="A tower is", max_tokens=6, temperature=0, stream=True)
            if chunk.choices]
        whole = self.client.completions.create(model="casemate-answer", prompt="A tower is", max_tokens=6,
                                               temperature=0)
        self.assertEqual("".join(pieces), whole.choices[0].text)
        for refused in ({"suffix": "x"}, {"echo": True}, {"best_of": 3}):
            with self.assertRaises(openai.BadRequestError) as caught:
                self.client.completions.create(model="casemate-answer", prompt="x", **refused)
            self.assertEqual(caught.exception.param, list(refused)[0])

    def test_pydantic_models_are_met(self):
        parsed = self.client.chat.completions.parse(model="casemate-answer", messages=MESSAGES, max_tokens=160,
                                                    temperature=1, seed=3, response_format=Tower)
        self.assertIsInstance(parsed.choices[0].message.parsed, Tower)
        answered = self.client.responses.parse(model="casemate-answer", input="A tower, please.",
                                               max_output_tokens=160, temperature=1, text_format=Tower)
        self.assertIsInstance(answered.output_parsed, Tower)
        self.assertEqual(answered.text.format.type, "json_schema")

    def test_json_by_schema_holds_at_every_temperature(self):
        schema = {"type": "json_schema", "json_schema": {"name": "small", "strict": True, "schema": SMALL}}
        for seed in range(6):
            answer = self.chat(temperature=2, seed=seed, max_tokens=60, response_format=schema)
            self.assertEqual(answer.choices[0].finish_reason, "stop")
            self.check_small(answer.choices[0].message.content)
        with self.assertRaises(openai.BadRequestError) as caught:
            self.chat(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {
                "type": "object", "properties": {"a": {"not": {}}}}}})
        self.assertIn("#/properties/a/not", str(caught.exception))

    def test_every_kind_of_schema_is_accepted_by_the_engine(self):
        for schema in (
                {"type": "string", "format": "date-time"}, {"type": "string", "format": "email"},
                {"type": "string", "format": "uuid"}, {"type": "string", "format": "duration"},
                {"type": "string", "pattern": "^[\"\\\\é-ü]{2,4}[^\\s\\d]$"}, {"type": "string", "minLength": 2, "maxLength": 9},
                {"type": "array", "items": {"type": "number", "minimum": -1, "exclusiveMaximum": 10}, "maxItems": 3},
                {"type": "integer", "minimum": -17, "maximum": 4096}, {"enum": ["\"", "\\", "é", None, {"a": [1.5]}]},
                {"type": ["boolean", "null"]}, {"type": "object", "additionalProperties": {"type": "integer"}},
                {"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}}},
                {"$defs": {"t": {"type": "object", "properties": {"l": {"anyOf": [{"$ref": "#/$defs/t"}, {"type": "null"}]}},
                                 "required": ["l"]}}, "$ref": "#/$defs/t"}, {}):
            answer = self.chat(max_tokens=4, temperature=1, response_format={
                "type": "json_schema", "json_schema": {"name": "x", "schema": schema}})
            self.assertEqual(len(answer.choices), 1, schema)
        self.assertEqual(self.chat(max_tokens=3, response_format={"type": "json_object"}).choices[0].message.content[0], "{")

    def test_a_forced_call_has_arguments_by_its_schema(self):
        tools = [{"type": "function", "function": BUILD}]
        for choice in ({"type": "function", "function": {"name": "build"}}, "required"):
            answer = self.chat(messages=GO, tools=tools, tool_choice=choice, parallel_tool_calls=False, temperature=1.5,
                               seed=4, max_tokens=120)
            message = answer.choices[0].message
            self.assertEqual(answer.choices[0].finish_reason, "tool_calls", message)
            self.assertIsNone(message.content)
            self.assertEqual(message.tool_calls[0].function.name, "build")
            self.check_call(message.tool_calls[0].function.arguments)
        calls = {}
        for chunk in self.chat(messages=GO, tools=tools, tool_choice={"type": "function", "function": {"name": "build"}},
                               stream=True, max_tokens=120):
            for choice in chunk.choices:
                for call in choice.delta.tool_calls or []:
                    calls[call.index] = calls.get(call.index, "") + call.function.arguments
        self.assertEqual(list(calls), [0])
        self.check_call(calls[0])
        again = self.client.chat.completions.create(
            model="casemate-answer", max_tokens=8, messages=[
                {"role": "user", "content": "Go"}, message.model_dump(exclude_none=True),
                {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "built"}])
        self.assertIn(again.choices[0].finish_reason, ("stop", "length"))

    def test_a_response_calls_a_function_and_takes_its_output(self):
        tools = [{"type": "function", **BUILD}]
        answer = self.client.responses.create(model="casemate-answer", input="Go", tools=tools, max_output_tokens=120,
                                              tool_choice={"type": "function", "name": "build"})
        call = answer.output[0]
        self.assertEqual((call.type, call.name, call.status), ("function_call", "build", "completed"))
        self.check_call(call.arguments)
        with self.client.responses.create(model="casemate-answer", input="Go", tools=tools, stream=True,
                                          tool_choice="required", parallel_tool_calls=False,
                                          max_output_tokens=120) as stream:
            events = list(stream)
        done = [event for event in events if event.type == "response.function_call_arguments.done"]
        self.check_call(done[0].arguments)
        again = self.client.responses.create(
            model="casemate-answer", max_output_tokens=8,
            input=[{"role": "user", "content": "Go"}, call.model_dump(exclude_none=True),
                   {"type": "function_call_output", "call_id": call.call_id, "output": "built"}])
        self.assertIn(again.status, ("completed", "incomplete"))

    def test_documents_are_ranked(self):
        answer = self.client.post("/rerank", cast_to=object, body={
            "model": "casemate-embed", "query": "iron gate", "documents": ["A small tower.", "An iron gate.", "Bread."],
            "top_n": 2, "return_documents": True})
        self.assertEqual(len(answer["results"]), 2)
        self.assertEqual(answer["results"][0]["index"], 1)
        self.assertEqual(answer["results"][0]["document"]["text"], "An iron gate.")
        self.assertGreaterEqual(answer["results"][0]["relevance_score"], answer["results"][1]["relevance_score"])

    def test_quotations_are_of_their_passages(self):
        passages = ["A turret is a small tower that stands on a larger building.", "A portcullis is a heavy iron gate."]
        answer = self.client.chat.completions.create(
            model="casemate-answer", messages=MESSAGES[1:], max_tokens=40, temperature=1, seed=2,
            extra_body={"casemate": {"quotes": "only", "passages": passages}})
        message = answer.choices[0].message
        self.assertGreaterEqual(len(message.casemate_quotes), 1, message.content)
        for quote in message.casemate_quotes:
            self.assertTrue(quote["verified"])
            self.assertEqual(passages[quote["passage"] - 1].encode()[quote["begin"]:quote["end"]],
                             message.content.encode()[quote["answer_begin"]:quote["answer_end"]])

        path = self.deployment.base / "glossary.md"
        path.write_text(DOCUMENT)
        self.deployment.ingest(path, collection="castle")
        stores = [store.id for store in self.client.vector_stores.list() if store.name == "castle"]
        answer = self.client.responses.create(
            model="casemate-answer", input="What is a portcullis?", extra_body={"casemate": {"quotes": "only"}},
            tools=[{"type": "file_search", "vector_store_ids": stores}])
        part = answer.output[1].content[0]
        quotes = [note for note in part.annotations if getattr(note, "casemate_quote", None)]
        self.assertGreaterEqual(len(quotes), 1, part)
        for note in quotes:
            quote = note.casemate_quote
            self.assertEqual(note.filename, "glossary.md")
            self.assertTrue(quote["verified"])
            self.assertIn(part.text.encode()[quote["answer_begin"]:quote["answer_end"]].decode(),
                          " ".join(DOCUMENT.split()))
        told = self.deployment.json("ask", "What is a portcullis?", "--collection", "castle", "--quotes", "only")
        self.assertTrue(told["quotations"][0]["verified"])

    def test_the_command_takes_a_schema(self):
        path = self.deployment.base / "schema.json"
        path.write_text(json.dumps(SMALL))
        told = self.deployment.json("ask", "What is a turret?", "--collection", self.collection(), "--schema", path,
                                    "--temperature", "1", "--seed", "3", "--max-tokens", "60")
        self.check_small(told["answer"])

    def collection(self):
        path = self.deployment.base / "words.md"
        path.write_text(DOCUMENT)
        self.deployment.ingest(path, collection="words")
        return "words"


if __name__ == "__main__":
    main()
