"""What is wrong with a workflow is said with its path; what is right is read, and filled in where it says so."""

import json

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from gateway.problems import Invalid
from gateway.workflows import body as bodies, references
from gateway.workflows.body import WorkflowBody, checked
from gateway.workflows.rules import DEPTH, STEPS

PICTURE = {"task": "text-to-image", "prompt": "a fox"}
WORDS = {"task": "text", "prompt": "a line"}
CLIP = {"task": "image-to-video", "prompt": "it runs"}


def workflow(*steps, **more):
    said = {"steps": [{"id": name, "job": job} | rest for name, job, rest in steps]} | more
    return WorkflowBody.model_validate_json(json.dumps(said))


def faults(*steps):
    with pytest.raises(Invalid) as refusal:
        checked(workflow(*steps))
    return [(each["path"], each["message"]) for each in refusal.value.more["errors"]]


def taking(said, job=CLIP, role="first_frame"):
    return job | {"inputs": [{"role": role, "from": said}]}


def test_steps_are_read_with_all_that_is_before_them():
    poster = PICTURE | {"prompt": "a poster: {{ words.text }} and {{words.text}}"}
    steps = checked(
        workflow(("clip", taking("still.outputs.0"), {"after": ["other"]}), ("still", poster, {}),
                 ("words", WORDS, {}), ("other", PICTURE, {}))
    )  # fmt: skip
    assert [(each.name, each.after) for each in steps] == [
        ("clip", ("still", "other")), ("still", ("words",)), ("words", ()), ("other", ()),
    ]  # fmt: skip
    assert steps[0].body.inputs[0].asset == references.PLACEHOLDER


INPUT, PROMPT = "steps.1.job.inputs.0.from", "steps.1.job.prompt"


@pytest.mark.parametrize(
    ("job", "path", "said"),
    [
        (taking("ghost.outputs.0"), INPUT, "there is no step 'ghost'"),
        (taking("still"), INPUT, 'is written as "STEP.outputs.0"'),
        (taking("still.outputs.-1"), INPUT, 'is written as "STEP.outputs.0"'),
        (taking("still.outputs.00"), INPUT, 'is written as "STEP.outputs.0"'),
        (taking(7), INPUT, 'is written as "STEP.outputs.0"'),
        (taking("still.outputs.2"), INPUT, "makes 2 of them, so its last is still.outputs.1"),
        (taking("words.outputs.0"), INPUT, "put {{words.text}} into a prompt"),
        (taking("clip.outputs.0"), INPUT, "makes clips, and pictures are needed here"),
        (taking("still.outputs.0", role="audio"), INPUT, "makes pictures, and sounds are needed here"),
        (PICTURE | {"prompt": "{{still.text}}"}, PROMPT, "makes pictures, and has no text"),
        (PICTURE | {"prompt": "{{ghost.text}}"}, PROMPT, "there is no step 'ghost'"),
        (PICTURE | {"prompt": "{{words.txt}}"}, PROMPT, "{{words.txt}} is nothing"),
        (PICTURE | {"negative_prompt": "{{ghost.text}}"}, "steps.1.job.negative_prompt", "there is no step 'ghost'"),
        (PICTURE | {"nonsense": 1}, "steps.1.job.nonsense", "there is no such field"),
        (PICTURE | {"prompt": ""}, "steps.1.job", "needs a prompt"),
        (PICTURE | {"quote": "quo_1"}, "steps.1.job.quote", "decided when it starts"),
        (CLIP | {"inputs": [{"role": "first_frame", "base64": "AAAA"}]}, "steps.1.job.inputs.0", "upload them"),
        (CLIP | {"inputs": [{"role": "first_frame", "url": "data:image/png;base64,AAAA"}]},
         "steps.1.job.inputs.0", "upload them"),
        (CLIP | {"inputs": [{"role": "first_frame", "from": "still.outputs.0", "asset": "ast_1"}]},
         "steps.1.job.inputs.0", "exactly one"),
        ({"task": "text", "messages": [{"role": "user", "content": "{{ghost.text}}"}]},
         "steps.1.job.messages.0.content", "there is no step 'ghost'"),
        ({"task": "text", "messages": [{"role": "user", "content": [
            {"type": "text", "text": "{{ghost.text}}"}, {"type": "image", "from": "words.outputs.0"}]}]},
         "steps.1.job.messages.0.content.1.from", "makes words"),
    ],
)  # fmt: skip
def test_each_fault_has_its_path(job, path, said):
    others = (("words", WORDS, {}), ("clip", {"task": "text-to-video", "prompt": "x"}, {}))
    found = faults(("still", PICTURE | {"count": 2}, {}), ("asks", job, {}), *others)
    assert [message for where, message in found if where == path and said in message], found


def test_steps_of_one_name_and_those_after_nobody_are_faults():
    assert faults(("a", PICTURE, {}), ("a", PICTURE, {})) == [("steps.1.id", "another step is named 'a'")]
    assert faults(("a", PICTURE, {"after": ["b"]})) == [("steps.0.after.0", "there is no step 'b'")]


def test_a_ring_is_told_as_it_runs():
    [(path, said)] = faults(
        ("a", PICTURE, {"after": ["c"]}), ("b", PICTURE, {"after": ["a"]}), ("c", PICTURE, {"after": ["b"]})
    )
    assert path == "steps.0" and said == "waits for itself: a → c → b → a"
    assert faults(("a", PICTURE | {"prompt": "{{a.text}}", "task": "text"}, {}))[0][1] == "waits for itself: a → a"


def test_a_row_of_steps_has_an_end():
    row = [(f"s{n}", PICTURE, {"after": [f"s{n - 1}"]} if n else {}) for n in range(DEPTH + 1)]
    assert faults(*row) == [(f"steps.{DEPTH}", f"has {DEPTH} steps in a row before it; {DEPTH - 1} are allowed")]
    assert len(checked(workflow(*row[:DEPTH]))) == DEPTH


def test_there_is_a_most_of_steps_and_a_least():
    with pytest.raises(ValidationError):
        workflow(*[(f"s{number}", PICTURE, {}) for number in range(STEPS + 1)])
    with pytest.raises(ValidationError):
        workflow()
    assert len(checked(workflow(*[(f"s{number}", PICTURE, {}) for number in range(STEPS)]))) == STEPS


def test_what_came_is_put_in_and_the_rest_stays_as_it_is():
    job = taking("still.outputs.1", CLIP | {"prompt": "{{words.text}}, {{ {{ x }}"}) | {"seed": 7}
    outputs = {
        "still": [{"asset": "ast_1"}, {"asset": "ast_2"}],
        "words": [{"asset": None, "text": "a {{still.text}}"}],
    }
    found = references.filled(job, outputs)
    assert found["inputs"] == [{"role": "first_frame", "asset": "ast_2"}] and found["seed"] == 7
    assert found["prompt"] == "a {{still.text}}, {{ {{ x }}"


@pytest.mark.parametrize("outputs", [{"still": []}, {"still": [{"asset": None, "text": "x"}]}])
def test_an_output_that_did_not_come_is_said(outputs):
    with pytest.raises(LookupError, match="still"):
        references.filled(taking("still.outputs.0"), outputs)
    with pytest.raises(LookupError, match="no words"):
        references.filled(PICTURE | {"prompt": "{{still.text}}"}, {"still": [{"asset": "ast_1"}]})


@pytest.mark.parametrize("job", [
    {"prompt": "{{a.text}}" * 10_000},
    {"messages": [{"role": "user", "content": "{{a.text}}" * 5_000}] * 2},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "{{a.text}}"}] * 5_000}] * 2},
])  # fmt: skip
def test_a_short_body_cannot_ask_for_words_without_end(job):
    outputs = {"a": [{"text": "x" * (101)}]}
    with pytest.raises(LookupError, match="1,000,000 characters"):
        references.filled(job, outputs)
    enough = {"a": [{"text": "x" * (99)}]}
    assert references.filled(job, enough)


@given(st.text(), st.text())
def test_words_are_put_in_as_they_are_and_never_read_again(before, words):
    job = {"prompt": before.replace("{{", "") + "{{a.text}}"}
    found = references.filled(job, {"a": [{"text": words or "x"}]})
    assert found["prompt"] == before.replace("{{", "") + (words or "x")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["from", "role", "url", "content", "text", "type"]) | st.text(max_size=3), inner
        )
    ),
    max_leaves=8,
)
"""Any JSON, often with the names that a job's body has."""


@given(st.dictionaries(st.sampled_from(["task", "prompt", "inputs", "messages", "model", "count"]), json_values))
def test_no_nonsense_in_a_job_breaks_the_reader(job):
    workflow = WorkflowBody.model_validate_json(json.dumps({"steps": [{"id": "a", "job": job}]}))
    found = _checked(workflow)
    if isinstance(found, Invalid):
        assert all(each["path"].startswith("steps.0") for each in found.more["errors"])
    else:
        assert bodies.read_job(references.unfilled(job)) == found[0].body


def _checked(workflow):
    try:
        return checked(workflow)
    except Invalid as refusal:
        return refusal
