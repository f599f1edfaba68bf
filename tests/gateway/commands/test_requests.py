"""From words on a command line to a body and to file names."""

from pathlib import Path

import pytest

from gateway.commands.requests import Given, Wanted, body, given, paths, slug
from gateway.commands.terminal import Refused


def wanted(**changes):
    nothing = dict.fromkeys(Wanted.__dataclass_fields__)
    return Wanted(**(nothing | {"prompt": "a fox", "task": "text-to-image", "model": "auto", "inputs": ()} | changes))


def test_what_was_not_said_is_left_to_the_gateway():
    assert body(wanted(), []) == {"prompt": "a fox", "task": "text-to-image", "model": "auto"}


def test_routing_wishes_go_where_the_api_wants_them():
    asked = body(wanted(policy="cheapest", max_cost_usd="0.050", seed=0), [{"role": "source", "asset": "ast_1"}])
    assert asked["routing"] == {"policy": "cheapest", "max_cost_usd": "0.050"}
    assert asked["seed"] == 0
    assert asked["inputs"] == [{"role": "source", "asset": "ast_1"}]


def test_an_amount_that_is_none_is_refused():
    with pytest.raises(Refused, match="cheap"):
        body(wanted(max_cost_usd="cheap"), [])


@pytest.mark.parametrize(
    ("text", "task", "expected"),
    [
        ("photo.png", "image-edit", Given("source", "photo.png")),
        ("photo.png", "image-to-video", Given("first_frame", "photo.png")),
        ("mask=hole.png", "inpaint", Given("mask", "hole.png")),
        ("https://example.com/a.png?x=1", "image-edit", Given("source", "https://example.com/a.png?x=1")),
    ],
)
def test_an_input_is_for_what_it_says_or_what_the_task_takes_first(text, task, expected):
    assert given(text, task) == expected


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("A Red fox, in snow!", "a-red-fox-in-snow"),
        ("狐", "output"),
        ("../../etc/passwd", "etc-passwd"),
        ("x" * 99, "x" * 40),
    ],
)
def test_a_prompt_becomes_a_safe_name(prompt, expected):
    assert slug(prompt) == expected


JOB = {"id": "job_0123456789abcdef", "outputs": [{"mime": "image/png"}, {"mime": "image/png"}]}


def test_files_lie_in_the_folder_under_the_prompts_name_numbered():
    names = [str(path) for path in paths(JOB, "a v1.5 fox", None, Path("out"))]
    assert names == ["out/a-v1-5-fox-abcdef.png", "out/a-v1-5-fox-abcdef-2.png"]


def test_a_named_file_is_taken_and_numbered_after_the_first(tmp_path):
    assert paths(JOB, "a fox", Path("fox.png"), Path("out")) == [Path("fox.png"), Path("fox-2.png")]
    assert all(path.parent == tmp_path for path in paths(JOB, "a fox", tmp_path, Path("out")))
