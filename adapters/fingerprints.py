"""Which engine answers at an address: the pages that tell, and how each engine is known by them. Pure.

Several engines share a port, so only what they say decides; what none of them says is unknown, and never guessed. What
was seen on no server is marked unsure. Which models they have is read by adapters/inventories.py.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from adapters.wire import Reply

Seen = Mapping[str, Reply]
"""Path → the reply to a GET of it, for those that answered 200."""

VERSION_CHARS = 40
_VERSION = re.compile(r"v?\d[\w.+-]*")


class Fingerprint(NamedTuple):
    """`engine` is the name of our card, `ports` are the usual ones. `recognise` gives a version, "" for one that is not
    told, or None: it is another. `suffix` is what our card's address has behind the host and the port."""

    engine: str
    ports: tuple[int, ...]
    probes: tuple[str, ...]
    recognise: Callable[[Seen], str | None]
    suffix: str = ""


def recognised(seen: Seen) -> tuple[Fingerprint, str] | None:
    """The one engine that these pages are of, and its version. Two that both know them are none: nobody is misnamed."""
    found = [(each, version) for each in FINGERPRINTS if (version := recognise(each, seen)) is not None]
    return found[0] if len(found) == 1 else None


def recognise(fingerprint: Fingerprint, seen: Seen) -> str | None:
    try:
        return fingerprint.recognise(seen)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return None


def _version(value: object) -> str | None:
    text = str(value)[:VERSION_CHARS]
    return text if isinstance(value, str) and _VERSION.fullmatch(text) else None


def _comfyui(seen: Seen) -> str | None:
    return _version(seen["/system_stats"].json()["system"]["comfyui_version"])


def _a1111(seen: Seen) -> str | None:
    """Memory is told by A1111, Forge and SD.Next, and not by sd-server, which has some of their paths [unsure]."""
    memory = seen["/sdapi/v1/memory"].json()
    return "" if isinstance(memory["ram"], dict) and isinstance(memory["cuda"], dict) else None


def _sd_server(seen: Seen) -> str | None:
    told = seen["/sdcpp/v1/capabilities"].json()
    return "" if isinstance(told["supported_modes"], list) and isinstance(told["limits"], dict) else None


def _invokeai(seen: Seen) -> str | None:
    return _version(seen["/api/v1/app/version"].json()["version"])


def _sglang(seen: Seen) -> str | None:
    """Its server for language models has the page too, and another type."""
    return "" if seen["/model_info"].json()["model_type"] == "diffusion" else None


def _gauges(seen: Seen, *prefixes: str) -> bool:
    return any(line.startswith(prefixes) for line in seen["/metrics"].body.decode(errors="replace").splitlines())


def _is_omni(seen: Seen) -> bool:
    """vLLM-Omni is a vLLM with more: by its own gauges, or by paths that only it has [unsure: either alone]."""
    paths = seen["/openapi.json"].json()["paths"] if "/openapi.json" in seen else ()
    return _gauges(seen, "vllm_omni:") or "/v1/omni/sleep" in paths or "/v1/videos" in paths


def _vllm_version(seen: Seen) -> str:
    return (_version(seen["/version"].json().get("version")) or "") if "/version" in seen else ""


def _vllm(seen: Seen) -> str | None:
    return _vllm_version(seen) if _gauges(seen, "vllm:") and not _is_omni(seen) else None


def _vllm_omni(seen: Seen) -> str | None:
    return _vllm_version(seen) if _gauges(seen, "vllm:", "vllm_omni:") and _is_omni(seen) else None


def _ollama(seen: Seen) -> str | None:
    if not seen["/"].body.startswith(b"Ollama is running"):
        return None
    return (_version(seen["/api/version"].json().get("version")) or "") if "/api/version" in seen else ""


def _localai(seen: Seen) -> str | None:
    """The names of the two lists are from memory [unsure]."""
    told = seen["/system"].json()
    return "" if isinstance(told["backends"], list) and isinstance(told["loaded_models"], list) else None


def _tenstorrent(seen: Seen) -> str | None:
    told = seen["/tt-liveness"].json()
    return "" if told["status"] == "alive" and isinstance(told["model_ready"], bool) else None


def _kserve(seen: Seen) -> str | None:
    """Whoever speaks the open inference protocol; Triton names itself here, KServe's own server too."""
    told = seen["/v2"].json()
    return (_version(told.get("version")) or "") if told["name"] and isinstance(told["extensions"], list) else None


def _worker(seen: Seen) -> str | None:
    """Podium's own worker; of any other application of Ray Serve nothing is known."""
    told: Any = seen["/v1/health"].json()
    return str(int(told["protocol"])) if told["service"] == "podium-worker" else None


FINGERPRINTS = (
    Fingerprint("comfyui", (8188, 8000), ("/system_stats",), _comfyui),
    Fingerprint("a1111", (7860,), ("/sdapi/v1/memory",), _a1111),
    Fingerprint("stable-diffusion-cpp", (1234,), ("/sdcpp/v1/capabilities",), _sd_server),
    Fingerprint("invokeai", (9090,), ("/api/v1/app/version",), _invokeai),
    Fingerprint("sglang", (30000,), ("/model_info",), _sglang, "/v1"),
    Fingerprint("vllm", (8000,), ("/metrics", "/openapi.json", "/version"), _vllm, "/v1"),
    Fingerprint("vllm-omni", (8091,), ("/metrics", "/openapi.json", "/version"), _vllm_omni, "/v1"),
    Fingerprint("ollama", (11434,), ("/", "/api/version"), _ollama, "/v1"),
    Fingerprint("localai", (8080,), ("/system",), _localai, "/v1"),
    Fingerprint("tenstorrent", (8000,), ("/tt-liveness",), _tenstorrent),
    Fingerprint("kserve", (8080,), ("/v2",), _kserve),
    Fingerprint("ray", (8000,), ("/v1/health",), _worker),
)
PORTS = tuple(dict.fromkeys(port for each in FINGERPRINTS for port in each.ports))
PROBES = tuple(dict.fromkeys(path for each in FINGERPRINTS for path in each.probes))
