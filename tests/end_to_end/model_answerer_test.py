"""The answerer's training examples (models/answerer), without PyTorch and with a small WordNet of the test's own: what
is asked, that the answer stands where the example says, and that the same seed makes the same examples."""
import json
import pathlib
import random
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "models/answerer"))

import examples  # noqa: E402
import prompt  # noqa: E402
import questions  # noqa: E402
import words  # noqa: E402

VERBS = ("return", "build", "make", "construct", "use", "list", "remove", "keep")
NOUNS = ("table", "function", "file", "server", "cache", "name", "size", "log", "key", "list")


def write_wordnet(folder):
    """Files in WordNet's form (wndb(5)): each lemma in a synset of its own, build and construct in one."""
    for part, lemmas, tag in (("verb", VERBS, "v"), ("noun", NOUNS, "n"), ("adj", ("large",), "a")):
        synsets = [(lemma,) for lemma in lemmas]
        if part == "verb":
            synsets.append(("build", "construct"))
        data, index = ["  a licence\n"], ["  a licence\n"]
        for number, synset in enumerate(synsets, 1):
            members = " ".join(f"{lemma} 0" for lemma in synset)
            data.append(f"{number:08d} 00 {tag} {len(synset):02x} {members} 000 | what it is\n")
        for lemma in lemmas:
            at = max(i for i, synset in enumerate(synsets, 1) if lemma in synset)
            index.append(f"{lemma} {tag} 1 0 1 0 {at:08d}  \n")
        (folder / f"data.{part}").write_text("".join(data))
        (folder / f"index.{part}").write_text("".join(index))
    (folder / "verb.exc").write_text("built build\n")


def write_corpus(path):
    subjects = ("table", "server", "cache", "file", "log", "key", "function", "name")
    with open(path, "w", encoding="utf-8") as out:
        for number, source in enumerate(("wordnet-base", "python3-doc", "sqlite3-doc")):
            blocks = [{"kind": "definition", "term": f"{subject}{number}, {subject} number {number}",
                       "text": f"a {subject} of kind {number} that holds {i} things. It may be large."}
                      for i, subject in enumerate(subjects)]
            blocks += [{"kind": "prose", "text": " ".join(
                f"The {subject} number {i} of part {number} is kept in the file part{number}{i}.txt. "
                f"A {subject} returns a list of {i + 2} names when it is closed. "
                f"To remove the {subject} of row {i}{number}, use the command drop{i}{number}." for i in range(4))}
                for subject in subjects]
            document = {"source": source, "document": f"{number}.html", "title": source,
                        "sections": [{"heading": [f"Part {number}", f"Of {block['text'].split()[1]}s"], "blocks": [block]}
                                     for block in blocks]}
            out.write(json.dumps(document) + "\n")


class AnswererTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="casemate-answerer-")
        folder = pathlib.Path(cls.folder.name)
        write_wordnet(folder)
        words.WORDNET = folder
        write_corpus(folder / "train.jsonl")
        cls.corpus = examples.Corpus(folder / "train.jsonl")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_an_answer_stands_in_the_passage_of_its_number_and_a_refused_question_has_none(self):
        maker = examples.Maker(self.corpus, 1)
        kinds = set()
        for size in (-1.0, 0.0, 0.5, 1.0):
            for _ in range(300):
                example = maker.next(size)
                kinds.add(example.kind)
                self.assertFalse(any("\n" in line for line in example.passages), example)
                if example.span is None:
                    self.assertIsNone(example.number)
                    continue
                self.assertIn(example.span, example.passages[example.number - 1])
                self.assertNotIn('"', example.span)
        self.assertLessEqual({"definition", "what", "when", "how", "who", "where", "number", "unanswerable"}, kinds)

    def test_a_definition_asked_for_has_no_second_one_of_its_term_among_the_passages(self):
        maker = examples.Maker(self.corpus, 2)
        for _ in range(400):
            card = maker.random.choice(self.corpus.definitions)
            question, _ = maker.ask(card)
            for line in maker.distractors(question, card, 3, 0.0):
                self.assertNotIn(card.lines[0], line)
                term = line.split(": ")[0].lower()
                self.assertFalse(examples.names(card) & set(term.split(", ")), (card, line))

    def test_drills_name_one_sentence_or_none(self):
        maker = examples.Maker(self.corpus, 3)
        maker.vocabulary = [f"word{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(400)]
        refused = 0
        for _ in range(400):
            example = maker.drill()
            asked = [w.strip("?.").lower() for w in example.question.split() if w.strip("?.").lower() in maker.vocabulary]
            sentences = [s for line in example.passages for s in line.lower().replace(".", "").split("  ")]
            holding = [line for line in sentences if all(w in line.split() for w in asked)]
            if example.span is None:
                refused += 1
                self.assertEqual(holding, [])
            else:
                self.assertGreaterEqual(len(holding), 1)
                self.assertIn(example.span, example.passages[example.number - 1])
        self.assertGreater(refused, 20)

    def test_the_same_seed_makes_the_same_examples_and_another_seed_others(self):
        first, again, other = (examples.Maker(self.corpus, seed) for seed in (7, 7, 8))
        made = [first.next(0.5) for _ in range(50)]
        self.assertEqual(made, [again.next(0.5) for _ in range(50)])
        self.assertNotEqual(made, [other.next(0.5) for _ in range(50)])

    def test_questions_come_from_the_sentence_by_changing_places(self):
        def asked(sentence):
            return [question for _, question in questions.of_sentence(sentence)]

        self.assertIn("When was the server built?", asked("The server was built in 1986."))
        self.assertIn("How many columns can a table have?", asked("A table can have up to 1600 columns."))
        self.assertIn("How do I remove a table?", asked("To remove a table, use the command DROP TABLE."))
        self.assertIn("What does the function return?", asked("The function returns a list of names."))
        self.assertIn("Where is the log kept?", asked("The log is kept in the file /var/log/server."))
        self.assertEqual(asked("It is built in 1986."), [])  # nobody knows what "it" is
        self.assertEqual(asked("no sentence at all"), [])

    def test_sentences_end_where_they_end(self):
        self.assertEqual(words.sentences("See e.g. The Book. It has 3.5 pages. Is it good? Yes."),
                         ["See e.g. The Book.", "It has 3.5 pages.", "Is it good?", "Yes."])

    def test_a_roughened_question_is_still_one(self):
        chance = random.Random(5)
        for _ in range(200):
            self.assertGreaterEqual(len(questions.roughen("How do I build a table?", chance).split()), 3)

    def test_the_prompt_has_the_question_first_and_one_line_a_passage(self):
        text = prompt.prompt("What is a keel?", ["keel: a beam", "a boat"])
        self.assertLess(text.index("What is a keel?"), text.index("[1] keel: a beam\n[2] a boat<|im_end|>"))
        self.assertEqual(prompt.answer("a beam", 1), 'The documents say: "a beam" [1]<|im_end|>')
        self.assertEqual(prompt.answer(None, None), "The documents do not say.<|im_end|>")


if __name__ == "__main__":
    unittest.main()
