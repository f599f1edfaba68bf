"""The pages that make something, run headless against a real gateway: side by side, battles, workflows, live jobs."""

import json

import pytest

from dashboard import session
from tests.dashboard.conftest import PICTURE, told
from tests.stories.house import eventually

SIZE = {"width": 128, "height": 128}
MODELS = {"podium/sandbox-pictures", "podium/sandbox-pictures-draft"}
BATTLE = {"task": "text-to-image", "prompt": "a red fox in fresh snow", **SIZE}
STEPS = [
    {"id": "words", "job": {"task": "text", "prompt": "One line on a fox.", "max_tokens": 20}},
    {"id": "still", "job": {"task": "text-to-image", "prompt": "A still: {{words.text}}", **SIZE}},
]


def button(app, label):
    return next(each for each in app.button if each.label.startswith(label))


def whole(app):
    assert not app.exception, [each.value for each in app.exception]
    return told(app)


def battle_of(customer, **more):
    made = customer.post("/v1/arena/battles", BATTLE | more, Prefer="wait=30").json()
    assert made["status"] == "ready", made
    return made


def ended(customer, job_id):
    return eventually(
        lambda: (job := customer.job(job_id))["status"] in ("succeeded", "failed", "canceled") and job, "the job ends"
    )


def test_the_playground_ranks_before_anything_is_spent_and_then_runs_side_by_side(opened, lived):
    caller = lived.gateway.customer("1")
    app = opened("playground", secret=caller.secret)
    assert "points ahead of" in whole(app)
    assert button(app, "Run it").label == "Run it on 2 models, quoted 0.0025 USD"
    assert caller.balance == 1
    button(app, "Run it").click().run()
    jobs = app.query_params["jobs"]
    made = [ended(caller, each) for each in jobs]
    assert {each["model"] for each in made} == MODELS and len(caller.get("/v1/jobs").json()["data"]) == 2
    session.forget()
    seen = opened("playground", secret=caller.secret, jobs=jobs)
    assert whole(seen).count("by the price table") == 2
    assert "Side by side" in told(seen)


def test_a_model_that_was_chosen_is_in_the_address_and_stays_when_the_ranking_moves(opened, lived):
    draft = "podium/sandbox-pictures-draft"
    app = opened("playground", models=[draft])
    assert button(app, "Run it").label == "Run it on 1 model, quoted 0.0005 USD"
    next(each for each in app.slider if each.label == "Quality").set_value(3.0).run()
    whole(app)
    assert button(app, "Run it").label == "Run it on 1 model, quoted 0.0005 USD"
    button(app, "Follow the ranking").click().run()
    assert button(app, "Run it").label.startswith("Run it on 2 models")


def test_a_run_above_the_limit_is_asked_about_once_more(opened, lived):
    app = opened("playground")
    next(each for each in app.number_input if each.label.startswith("Ask above")).set_value(0.0).run()
    assert button(app, "Run it").disabled
    next(each for each in app.checkbox if each.label.startswith("Yes, spend")).check().run()
    whole(app)
    assert not button(app, "Run it").disabled


def test_a_task_that_starts_from_a_picture_is_ranked_without_one_and_run_with_one(opened, lived):
    app = opened("playground", secret=lived.caller.secret, task="image-edit")
    assert "it needs a picture to start from" in whole(app)
    assert button(app, "Run it").disabled
    picture = lived.picture["outputs"][0]["asset"]
    app = opened("playground", secret=lived.caller.secret, task="image-edit", picture=picture)
    whole(app)
    assert not button(app, "Run it").disabled
    stranger = lived.gateway.customer("1")
    assert "not one of yours" in whole(opened("playground", secret=stranger.secret, task="image-edit", picture=picture))


def test_nothing_of_a_battle_tells_who_made_it_until_the_vote(opened, lived):
    caller = lived.gateway.customer("1")
    battle = battle_of(caller)
    jobs = caller.get("/v1/jobs").json()["data"]
    app = opened("arena", secret=caller.secret, battle=battle["id"], task="text-to-image")
    said = whole(app) + str(app.main) + str(dict(app.query_params))
    assert "Press an arrow key" in said
    assert not [each for each in (*MODELS, *(job["id"] for job in jobs)) if each in said]
    button(app, "Left is better").click().run()
    said = whole(app)
    assert "You found the left one better." in said
    assert {name for name in MODELS if name in said or name.rpartition("/")[2].replace("-", "\\-") in said} == MODELS
    assert any("points" in str(each.delta) for each in app.metric)
    assert caller.get(f"/v1/arena/battles/{battle['id']}").json()["vote"]["choice"] == "left"


def test_the_standings_and_ones_own_battles_are_shown_and_nobody_elses(opened, lived):
    caller, other = lived.gateway.customer("1"), lived.gateway.customer("1")
    battle = battle_of(caller)
    caller.post(f"/v1/arena/battles/{battle['id']}/vote", {"choice": "tie"})
    app = opened("arena", secret=other.secret)
    assert "None yet. They are shown to your key alone." in whole(app)
    assert "of all keys. Bars are 95 % intervals" in told(app)
    theirs = opened("arena", secret=other.secret, battle=battle["id"])
    assert any("not_found" in each.value for each in theirs.error)


def test_a_battle_that_is_void_says_why_and_offers_the_next(opened, lived):
    caller = lived.gateway.customer("1")
    refused = {"extra": {"sandbox": {"sandbox": {"refuse": True}}}}
    made = caller.post("/v1/arena/battles", BATTLE | refused, Prefer="wait=30").json()
    app = opened("arena", secret=caller.secret, battle=made["id"])
    assert "This battle is void" in whole(app)
    assert button(app, "Next battle")


def test_a_battle_begins_where_the_prompt_is_and_a_faulty_limit_is_said(opened, lived):
    caller = lived.gateway.customer("1")
    app = opened("arena", secret=caller.secret)
    limit = next(each for each in app.text_input if each.label.startswith("Both together"))
    limit.set_value("much").run()
    assert "Say what both may cost" in whole(app) and button(app, "Begin").disabled
    assert caller.get("/v1/arena/battles").json()["data"] == []


def test_a_workflow_is_shown_with_its_graph_steps_and_what_they_made(opened, lived):
    caller = lived.gateway.customer("1")
    body = {"name": "a fox", "steps": STEPS, "max_cost_usd": "0.10"}
    made = caller.post("/v1/workflows", body, Prefer="wait=60").json()
    assert made["status"] == "succeeded", made
    app = opened("workflows", secret=caller.secret, workflow=made["id"])
    said = whole(app)
    assert "Steps that succeeded 2 of 2" in said and "What it made" in said
    assert "Cost 0.0005" in said or "Cost 0.002" in said
    [graph] = app.get("vega_lite_chart")
    drawn = str(graph.proto)
    assert "succeeded" in drawn and "data:image/jpeg;base64," in drawn
    listed = opened("workflows", secret=caller.secret)
    assert "1 workflow, the newest first" in whole(listed)
    stranger = lived.gateway.customer("1")
    assert "No such workflow" in whole(opened("workflows", secret=stranger.secret))


def test_a_workflow_is_begun_from_what_is_written_and_can_be_run_again(opened, lived):
    caller = lived.gateway.customer("1")
    app = opened("workflows", secret=caller.secret)
    editor = next(each for each in app.text_area if each.label == "The workflow, as JSON")
    assert json.loads(editor.value)["steps"]
    editor.set_value(json.dumps({"name": "mine", "steps": STEPS})).run()
    button(app, "Run it").click().run()
    whole(app)
    [made] = caller.get("/v1/workflows").json()["data"]
    assert made["name"] == "mine"
    eventually(
        lambda: caller.get(f"/v1/workflows/{made['id']}").json()["status"] == "succeeded", "the workflow ends", 60
    )
    session.forget()
    again = opened("workflows", secret=caller.secret, workflow=made["id"])
    button(again, "Run again").click().run()
    whole(again)
    editor = next(each for each in again.text_area if each.label == "The workflow, as JSON")
    asked = json.loads(editor.value)
    assert asked == caller.get(f"/v1/workflows/{made['id']}").json()["request"]
    assert asked["name"] == "mine" and [each["job"] for each in asked["steps"]] == [each["job"] for each in STEPS]


def test_a_workflow_that_a_script_began_is_run_again_too(opened, lived):
    caller = lived.gateway.customer("1")
    made = caller.post("/v1/workflows", {"name": "by a script", "steps": STEPS}, Prefer="wait=60").json()
    app = opened("workflows", secret=caller.secret, workflow=made["id"])
    button(app, "Run again").click().run()
    button(app, "Run it").click().run()
    whole(app)
    assert [each["name"] for each in caller.get("/v1/workflows").json()["data"]] == ["by a script"] * 2


@pytest.mark.parametrize(
    ("written", "said"),
    [("{", "That is not the JSON of a workflow"), ("[]", "no object"),
     ('{"steps": [{"id": "a", "job": {"task": "text", "prompt": "{{b.text}}"}}]}', "there is no step")],
)  # fmt: skip
def test_what_is_at_fault_in_a_workflow_is_said_with_its_place(opened, lived, written, said):
    app = opened("workflows", secret=lived.caller.secret)
    next(each for each in app.text_area if each.label == "The workflow, as JSON").set_value(written).run()
    button(app, "Run it").click().run()
    assert said in whole(app)


def test_a_job_that_runs_shows_its_events_and_can_be_canceled(opened, lived):
    caller = lived.gateway.customer("1")
    slow = PICTURE | {"model": "podium/sandbox-pictures", "extra": {"sandbox": {"sandbox": {"delay_s": 30}}}}
    job = caller.post("/v1/jobs", slow).json()
    eventually(lambda: caller.job(job["id"])["status"] == "running", "it runs")
    app = opened("jobs", secret=caller.secret, job=job["id"])
    assert "Events as they came" in whole(app)
    assert "settled when it has ended" in told(app)
    button(app, "Cancel").click().run()
    assert ended(caller, job["id"])["status"] == "canceled"


def test_jobs_of_one_model_are_found_and_an_empty_page_says_what_to_do(opened, lived):
    app = opened("jobs", secret=lived.caller.secret, of_model="podium/sandbox-words")
    assert "The newest first" in whole(app)
    [table] = [each.value for each in app.dataframe if "offer" in each.value]
    assert {offer.rpartition("/")[2] for offer in table["offer"]} == {"sandbox-words"} and "key" not in table
    app = opened("jobs", secret=lived.gateway.customer("1").secret)
    assert "the playground makes one" in whole(app)


def test_an_admin_sees_whose_a_job_is_and_asks_for_those_of_one_key(opened, lived):
    other = lived.gateway.customer("1")
    made = other.done({"task": "text", "prompt": "a haiku on rain", "max_tokens": 20})
    named = next(each["name"] for each in lived.admin.get("/v1/keys", limit=500)["data"] if each["id"] == other.id)
    app = opened("jobs")
    whole(app)
    chooser = next(each for each in app.selectbox if each.label == "Key")
    assert named in chooser.options
    chooser.set_value(named).run()
    whole(app)
    [table] = [each.value for each in app.dataframe if "offer" in each.value]
    assert list(table["job"]) == [made["id"]] and set(table["key"]) == {named}


def test_a_model_shows_its_latest_jobs_and_to_others_none_of_them(opened, lived):
    model = lived.picture["offer"].partition("/")[2]
    assert "Latest jobs" in whole(opened("models", secret=lived.caller.secret, model=model))
    said = told(opened("models", secret=lived.caller.secret, model=model))
    assert "**succeeded**" in said and "No job of yours" not in said
    stranger = lived.gateway.customer("1")
    assert "No job of yours ran on it yet" in whole(opened("models", secret=stranger.secret, model=model))


def test_older_jobs_are_a_page_away_and_the_address_says_which(opened, lived):
    page = lived.podium.get("/v1/jobs", limit=1)
    assert page["next"]
    app = opened("jobs", secret=lived.caller.secret, after=page["next"])
    assert page["data"][0]["id"] not in whole(app)
    button(app, "Newest").click().run()
    assert "after" not in app.query_params
