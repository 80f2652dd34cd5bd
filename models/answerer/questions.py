"""Questions that a sentence answers, made by rule from its own words: subject and auxiliary change
places, and the part that answers (a time, a place, a number, a means, a reason) is taken out.
Paraphrase comes from question forms, from WordNet's synonyms and from words left away, so that
what is learned is to find the sentence that says it, not one that looks the same."""

import re

from words import (FUNCTION_WORDS, base_of_verb, content_words, irregular, lemmas, lower_first,
                   synonyms)

AUXILIARY = re.compile(
    r"^(?P<subject>[A-Z][^,;:()\"]{1,70}?) (?P<auxiliary>is|are|was|were|can|will|must|should|may|has|have|had)"
    r" (?P<rest>[^\"]{4,260})\.$")
NO_SUBJECT = re.compile(
    r"^(It|This|These|They|That|Those|There|If|When|While|Where|What|Which|Because|As|Since|Note|He|She|We|You|I|"
    r"Here|For|In|On|At|By|To|With|After|Before|Once|Unless|However|Also|But|And|Or|So|Thus|Then|Such|"
    r"Another|Other|One|Both|All|Any|Each|Some|Most|Many)\b|\b(that|which|who|if|when|because|and|but)\b")
TIME = re.compile(
    r" (?:(?:in|on|since|by|until|from|around|during) (?:(?:early|late|mid|the|about|around) )?"
    r"(?:(?:January|February|March|April|May|June|July|August|September|October|November|December)\b[ \d,]*)?"
    r"(?:1[5-9]\d\d|20\d\d)s?|(?:after|before|when|while|whenever|once|until|as soon as|each time|every time|at (?:the )?(?:end|start|startup|beginning|run ?time|compile time|boot)) .+)$")
PLACE = re.compile(r" (?:in|at|on|under|inside|within|into) ((?:the (?:file|directory|folder|section|table|header|environment) )?/?[A-Z/][\w./ -]{2,40}|the [\w/.-]+(?: [\w/.-]+)? (?:file|directory|folder|table|section|header|database|list|queue|module|menu))$")
PERSON = re.compile(r" by ((?:[A-Z][\w.'-]+)(?: (?:[A-Z][\w.'-]+|and|of|at|the|van|de|von))*)(?= |$)")
MEANS = re.compile(r" (?:by \w+ing\b.*|using .+|with the .+|via .+|through .+|with [`\w/.-]+(?: (?:option|command|function|method|flag|module))?)$")
REASON = re.compile(r",? (?:because|since|so that|in order to|due to|to avoid|to prevent) .+$")
NUMBER = re.compile(
    r"\b(?:(?:up to|at most|at least|about|exactly|only|a maximum of|a minimum of|more than|fewer than|less than) )?"
    r"(\d[\d,.]*|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|hundred|thousand)"
    r" (?P<noun>(?:[a-z]+ )?[a-z]+s)\b")
PARTICIPLE = re.compile(r"^(?:not |always |usually |often |also |only )?[a-z]+(?:ed|en|t|n|de|ne)\b")
USE_TO = re.compile(r"^To (?P<goal>[a-z][^,;:()\"]{8,90}), (?P<rest>[a-z][^\"]{8,200})\.$")
THIRD = re.compile(r"^(?P<subject>[A-Z][^,;:()\"]{1,50}?) (?P<verb>[a-z]+s) (?P<rest>[^\"]{6,220})\.$")
DETERMINED = re.compile(r"^(?:a|an|the|one of|any|another name|short for)\b")


def tidy(question):
    question = re.sub(r"\s+", " ", question).strip(" ,.;:")
    return question[:1].upper() + question[1:] + "?"


def be_questions(subject, auxiliary, rest):
    made = []
    subject = lower_first(subject)
    turned = f"{auxiliary} {subject}"
    when, where, person = TIME.search(rest), PLACE.search(rest), PERSON.search(rest)
    how, why, number = MEANS.search(rest), REASON.search(rest), NUMBER.search(rest)
    if when and when.start() > 3:
        made.append(("when", f"When {turned} {rest[:when.start()]}"))
    if where and where.start() > 3:
        made.append(("where", f"Where {turned} {rest[:where.start()]}"))
    if person and person.start() > 3:
        core = rest[:person.start()]
        if auxiliary in ("is", "are", "was", "were") and PARTICIPLE.match(core):
            made.append(("who", f"Who {turned} {core} by"))
            words = core.split()
            verb = irregular().get(words[-1].lower(), None)
            if auxiliary in ("was", "were") and words[-1].endswith("ed") or verb:
                made.append(("who", f"Who {words[-1]} {subject}"))
    if how and how.start() > 3:
        made.append(("how", f"How {turned} {rest[:how.start()]}"))
    if why and why.start() > 8:
        made.append(("why", f"Why {turned} {rest[:why.start()]}"))
    if number:
        before, after = rest[:number.start()].strip(), rest[number.end():].strip()
        if not before and not after:
            made.append(("number", f"How many {number['noun']} {auxiliary} there in {subject}"))
        elif len(before.split()) <= 6:
            made.append(("number", f"How many {number['noun']} {turned} {before} {after}"))
    if auxiliary in ("is", "are", "was", "were"):
        if DETERMINED.match(rest):
            made += [("what", f"What {turned}"), ("what", f"What {turned}"),
                     ("what", f"Explain {subject}"), ("what", f"Tell me about {subject}")]
        elif PARTICIPLE.match(rest):
            words = rest.split()
            if len(words) > 2 and words[1] in ("to", "for", "by", "as", "in", "with", "from", "on"):
                made.append(("what", f"What {turned} {words[0]} {words[1] if words[1] != 'to' else 'for'}"))
            made.append(("what", f"What happens to {subject}"))
            made.append(("yes", f"{auxiliary} {subject} {' '.join(words[:7])}"))
        else:
            made.append(("what", f"What {turned}"))
            made.append(("yes", f"{auxiliary} {subject} {' '.join(rest.split()[:7])}"))
    else:
        words = rest.split()
        if auxiliary in ("can", "will", "must", "should", "may") and words[0] != "be":
            made.append(("what", f"What {turned} do"))
        if auxiliary in ("can", "may") and words[0] == "be" and len(words) > 2:
            made.append(("how", f"How {turned} be {words[1]}"))
        made.append(("yes", f"{auxiliary} {subject} {' '.join(words[:7])}"))
    return made


def verb_questions(subject, verb, rest):
    base = base_of_verb(verb)
    if not base:
        return []
    subject = lower_first(subject)
    made = [("what", f"What does {subject} {base}"), ("what", f"What does {subject} do")]
    when, where, how, why = (r.search(rest) for r in (TIME, PLACE, MEANS, REASON))
    number = NUMBER.search(rest)
    if when and when.start() > 3:
        made.append(("when", f"When does {subject} {base} {rest[:when.start()]}"))
    if where and where.start() > 3:
        made.append(("where", f"Where does {subject} {base} {rest[:where.start()]}"))
    if how and how.start() > 3:
        made.append(("how", f"How does {subject} {base} {rest[:how.start()]}"))
    if why and why.start() > 8:
        made.append(("why", f"Why does {subject} {base} {rest[:why.start()]}"))
    if number and number.start() < 30:
        made.append(("number", f"How many {number['noun']} does {subject} {base} {rest[number.end():]}"))
    made.append(("which", f"Which {subject.split()[-1]} {verb} {' '.join(rest.split()[:7])}"))
    return made


def of_sentence(sentence):
    """[(kind, question)] that `sentence` answers; empty where no rule fits."""
    made = []
    goal = USE_TO.match(sentence)
    if goal:
        what = goal["goal"]
        return [("how", tidy(f"How do I {what}")), ("how", tidy(f"How can one {what}")),
                ("how", tidy(f"How to {what}")), ("how", tidy(f"What do I do to {what}"))]
    match = AUXILIARY.match(sentence)
    if match and not NO_SUBJECT.search(match["subject"]):
        made = be_questions(match["subject"], match["auxiliary"], match["rest"])
    else:
        match = THIRD.match(sentence)
        if match and not NO_SUBJECT.search(match["subject"]):
            made = verb_questions(match["subject"], match["verb"], match["rest"])
    return [(kind, tidy(question)) for kind, question in made
            if 3 <= len(question.split()) <= 24 and content_words(question)]


DEFINITION_FORMS = ("What is {}?", "What is {}?", "What does {} mean?", "Define {}.", "Explain {}.",
                    "Tell me about {}.", "What do the documents say about {}?", "Describe {}.",
                    "{}?", "What's {}?", "Can you explain {}?", "What is meant by {}?",
                    "meaning of {}", "What are {}?", "what is {}", "Give the definition of {}.")
COMMAND_FORMS = ("What does {} do?", "What is {}?", "What is {} for?", "What is {} used for?",
                 "Explain {}.", "What does the command {} do?", "What do I use {} for?", "{}?",
                 "Tell me about {}.", "Describe {}.", "What is the purpose of {}?")
HEADING_FORMS = ("What do the documents say about {}?", "Tell me about {}.", "{}?", "Explain {}.",
                 "What is said about {}?", "How about {}?", "Describe {}.", "What is there to know about {}?")
VERB_FIRST = re.compile(r"^([A-Z][a-z]+) (.+?)\.?$")


def of_definition(term, text, random):
    """A question for which `text` is the explanation of `term`."""
    first = text.split(" ", 1)[0].lower()
    callable_like = "(" in term or re.match(r"^[\w.:-]+$", term) and (
        first in lemmas("verb") or base_of_verb(first)) and first not in ("a", "an", "the")
    name = re.sub(r"\(.*", "", term).strip() if "(" in term and random.random() < 0.7 else term
    if callable_like and random.random() < 0.8:
        verb = VERB_FIRST.match(text)
        base = verb and (base_of_verb(verb[1]) or verb[1].lower())
        if verb and base in lemmas("verb") and random.random() < 0.3:
            object_ = " ".join(verb[2].split(". ")[0].split()[:10]).rstrip(".,;")
            return random.choice(("How do I {} {}?", "How can I {} {}?", "How to {} {}?",
                                  "What is used to {} {}?")).format(base, object_)
        return random.choice(COMMAND_FORMS).format(name)
    article = ""
    if re.match(r"^[a-z]+( [a-z]+)?$", term) and first in ("a", "an", "the", "one", "any") and random.random() < 0.5:
        article = "an " if term[0] in "aeiou" else "a "
    return random.choice(DEFINITION_FORMS).format(article + name)


def keywords(sentence, random):
    """As people type into a search field: some telling words of the sentence, in order."""
    words = [w for w in content_words(sentence) if len(w) > 2]
    if len(words) < 3:
        return None
    count = min(len(words), random.choice((3, 3, 4, 4, 5)))
    kept = sorted(random.sample(range(len(words)), count))
    return " ".join(words[i] for i in kept) + random.choice(("?", "", ""))


def roughen(question, random):
    """The same question as somebody in a hurry, or with other words, would put it."""
    words = question.split()
    if random.random() < 0.35:
        table = synonyms()
        for i in range(1, len(words)):
            plain = words[i].strip("?.,")
            if plain in table and plain not in FUNCTION_WORDS and random.random() < 0.3:
                words[i] = words[i].replace(plain, random.choice(table[plain]))
    if random.random() < 0.25 and len(words) > 6:
        inner = [i for i in range(2, len(words) - 1) if words[i].lower() not in ("not", "no")]
        for i in sorted(random.sample(inner, max(1, len(inner) // 6)), reverse=True):
            del words[i]
    question = " ".join(words)
    chance = random.random()
    if chance < 0.08:
        question = question.lower()
    elif chance < 0.16:
        question = question.rstrip("?.")
    elif chance < 0.22:
        question = random.choice(("Please tell me: ", "I would like to know: ", "Do the documents say ",
                                  "According to the documents, ")) + question[:1].lower() + question[1:]
    return question
