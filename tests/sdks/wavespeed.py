"""WaveSpeed's own library against the simulator: `python -P tests/sdks/wavespeed.py http://127.0.0.1:PORT`.

`-P`, since this file has the library's name.
"""

import sys

from wavespeed import Client

SIMULATORS = ("wavespeed",)

KEY = "wsk-simulated-0123456789"
FLUX = "wavespeed-ai/flux-schnell"
KLING = "kwaivgi/kling-v3.0-pro/image-to-video"
DOT = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)


def main(base_url: str) -> None:
    client = Client(api_key=KEY, base_url=base_url, retry_interval=0.05)

    made = client.run(FLUX, {"prompt": "a red fox", "size": "512*768", "num_images": 2}, poll_interval=0.05, timeout=20)
    assert len(made["outputs"]) == 2 and all(link.startswith(base_url) for link in made["outputs"]), made

    clip = client.run(KLING, {"prompt": "it turns", "image": DOT, "duration": 4}, poll_interval=0.05, timeout=20)
    assert clip["outputs"] == [f"{base_url}/files/4.mp4"], clip

    refused = said(lambda: client.run(FLUX, {"prompt": "a red fox [refuse]"}, poll_interval=0.05, timeout=20))
    assert "Prediction failed" in refused and "sensitive" in refused, refused
    assert "HTTP 400" in said(lambda: client.run(FLUX, {"prompt": "a red fox", "size": "512x512"}))
    assert "HTTP 401" in said(lambda: Client(api_key="wrong", base_url=base_url).run(FLUX, {"prompt": "a red fox"}))

    begun = client._submit(FLUX, {"prompt": "a red fox"})[0]
    envelope = client.get_result(begun, timeout=20)
    assert envelope["code"] == 200 and envelope["data"]["id"] == begun, envelope
    assert envelope["data"]["status"] == "processing" and envelope["data"]["outputs"] == [], envelope


def said(run) -> str:
    """The words of the error that must come."""
    try:
        run()
    except RuntimeError as error:
        return str(error)
    raise AssertionError("no error came")


if __name__ == "__main__":
    main(sys.argv[1])
