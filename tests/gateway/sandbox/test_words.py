"""Words: deterministic, about the prompt, counted, and cut where they must be."""

from hypothesis import given, strategies as st

from gateway.sandbox.words import answer, tokens


@given(st.text(max_size=400))
def test_the_tokens_of_a_text_add_up_to_it(text):
    assert "".join(tokens(text)) == text.rstrip() or not text.strip()


@given(st.text(min_size=1, max_size=200), st.integers(1, 60), st.integers(0, 99))
def test_an_answer_never_exceeds_its_tokens_and_counts_them(prompt, max_tokens, seed):
    said = answer(prompt, [], max_tokens, seed)
    assert said == answer(prompt, [], max_tokens, seed)
    assert said.usage["output_tokens"] == len(said.text.split()) <= max_tokens
    assert said.usage["input_tokens"] >= 1
    assert said.finish in ("stop", "length")


def test_an_answer_speaks_of_what_was_asked():
    assert "fox" in answer("a red fox runs through snow", [], 500, 1).text
    assert answer("a red fox", [], 500, 1).text != answer("a green tree", [], 500, 1).text
    assert answer("list ideas for a deer film", [], 500, 1).text.count("\n") == 5
    assert answer("a haiku about rain", [], 500, 1).text.count("\n") == 2


def test_the_last_message_of_the_user_is_answered_and_its_pictures_counted():
    picture = {"type": "image", "url": "data:image/png;base64,"}
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "an owl"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": [{"type": "text", "text": "describe a whale"}, picture]},
    ]
    said = answer("", messages, 500, 1)
    assert "whale" in said.text and "1 picture," in said.text and "owl" not in said.text
    assert said.input_tokens == 8


def test_a_cut_answer_says_so():
    assert answer("a fox", [], 3, 1).finish == "length"
    assert answer("a fox", [], 500, 1).finish == "stop"
