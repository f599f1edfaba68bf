"""A job read as the prediction that it is at this door, for who asks and for who is told; it makes and stops none."""

from dataclasses import dataclass
from typing import Any

from adapters.schema import MediaRequest
from gateway.assets.service import Assets
from gateway.doors.replicate import views
from gateway.doors.replicate.catalog import Models
from gateway.jobs.service import Seen
from gateway.jobs.views import view


@dataclass
class Predictions:
    """`address`, in all that follows, is where the gateway was reached; a public address goes before it."""

    assets: Assets
    models: Models

    def root(self, address: str) -> str:
        """This door, under the public address if there is one: clients send their key to what they are told."""
        return f"{(self.assets.public_url or address).rstrip('/')}/replicate"

    def shown(self, address: str, seen: Seen) -> dict[str, Any]:
        """A job as a prediction, its input said again in Replicate's words."""

        def link(asset: str) -> str:
            return self.assets.url(asset, address)

        job, asked = view(seen, link), MediaRequest.model_validate_json(seen.job["request"])
        offers = self.models.offers(job["model"], asked.task)
        given = views.echo(asked, offers, link)
        return views.prediction(job, seen.job["asked_model"], given, offers, self.root(address))
