"""The shapes in which doors have a job's own webhook told, by the name that stands in the job. It knows no format."""

from collections.abc import Mapping

from gateway.assembly import Parts
from gateway.doors.fal import webhooks as fal
from gateway.doors.replicate import webhooks as replicate
from gateway.webhooks.runner import Shape


def shapes(parts: Parts) -> Mapping[str, Shape]:
    """What a worker must be able to say, whichever process took the job in."""
    return {fal.NAME: fal.shape(parts), replicate.NAME: replicate.shape(parts)}
