"""What Anthropic's protocol says beside an answer: its words as they come, and its list of models, page by page."""

import json
from datetime import date

from adapters.dialects import anthropic
from adapters.wire import Reply


def test_only_words_are_heard_and_no_thoughts():
    heard = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}}
    thought = {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}
    assert [anthropic.delta(event) for event in (heard, thought, {"type": "ping"}, 7)] == ["hello", "", "", ""]


def test_models_are_listed_page_by_page_with_their_days():
    model = {"id": "claude-opus-5-5", "display_name": "Claude Opus 5.5", "created_at": "2026-09-01T00:00:00Z"}
    page = {"data": [model], "has_more": True, "last_id": "claude-opus-5-5"}
    listed = anthropic.read_models(anthropic.list_models(), Reply(200, {}, json.dumps(page).encode()))
    [found] = listed.models
    assert (found.wire_id, found.name, found.created) == ("claude-opus-5-5", "Claude Opus 5.5", date(2026, 9, 1))
    assert listed.next is not None and listed.next.url == "/models?limit=1000&after_id=claude-opus-5-5"
    last = page | {"has_more": False}
    assert anthropic.read_models(listed.next, Reply(200, {}, json.dumps(last).encode())).next is None
