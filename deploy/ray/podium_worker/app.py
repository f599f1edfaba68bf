"""The Serve application: one door or several, the book, and for each model a deployment of replicas."""

from typing import Any

from ray import serve
from ray.serve import Application

from podium_worker.book import Book
from podium_worker.door import CALLS_MOST, Door
from podium_worker.replica import Replica
from podium_worker.settings import Keeping, ModelSettings, WorkerSettings, token

STOP_S = 1_800
"""How long a replica that is to leave may go on with its run: the longest that a run should take."""


@serve.deployment(num_replicas=1, max_ongoing_requests=CALLS_MOST, ray_actor_options={"num_cpus": 0})
class Keeper:
    """The book, of which there is one; its questions are answered one at a time."""

    def __init__(self, keeping: Keeping) -> None:
        self.book = Book(keeping)

    async def ask(self, question: str, *given: Any) -> Any:
        return getattr(self.book, question)(*given)


def build(args: WorkerSettings) -> Application:
    """What `serve run` and `serve deploy` call, with what the config file has under `args`."""
    book = Keeper.bind(args.keeping)
    pools = {model.name: _pool(model).bind(model, book) for model in args.models}
    return Door.options(num_replicas=args.doors).bind(args, token(), book, pools)


def _pool(model: ModelSettings) -> serve.Deployment:
    scaling = model.scaling
    return serve.deployment(Replica).options(
        name=model.name,
        max_ongoing_requests=1,
        ray_actor_options={"num_cpus": scaling.cpus, "num_gpus": scaling.gpus},
        autoscaling_config={
            "min_replicas": scaling.replicas_least,
            "max_replicas": scaling.replicas_most,
            "target_ongoing_requests": scaling.runs_each,
            "downscale_delay_s": scaling.idle_s,
        },
        graceful_shutdown_timeout_s=STOP_S,
    )
