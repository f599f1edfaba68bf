"""Outputs on a page: a picture, a clip, a sound, words; small ones for a graph; and a picture to start from."""

import base64
from io import BytesIO

import streamlit as st
from PIL import Image, UnidentifiedImageError

from dashboard import session
from dashboard.client import Document, Refused
from dashboard.frames import COST_SAID
from dashboard.words import plain, seconds, size

THUMB_PX = 128
"""Twice what a graph shows, for screens with small pixels."""
UPLOAD_MB = 20
UPLOADED = "podium.uploaded"
KINDS = ("png", "jpg", "jpeg", "webp")


def output_shown(output: Document, details: bool = False, told: str = "What was made") -> None:
    """A picture, a clip, a sound or words; one too large to hold is linked to. `told` is for who cannot see it."""
    if output["text"] is not None:
        with st.container(border=True):
            st.text(output["text"])
    elif output["size_bytes"] > session.MEDIA_BYTES:
        st.link_button(f"Open ({size(output['size_bytes'])})", output["url"])
    else:
        media_shown(output["asset"], output["mime"], told)
    if details:
        st.caption(_details(output))


def media_shown(asset: str, mime: str, told: str) -> None:
    data = session.media(asset)
    match mime.partition("/")[0]:
        case "image":
            st.image(data, width="stretch", alt=told)
        case "video":
            st.video(data, format=mime, loop=True)
        case "audio":
            st.audio(data, format=mime)
        case _:
            st.download_button("Save", data, file_name=asset, mime=mime, key=f"save-{asset}")


def _details(output: Document) -> str:
    facts = [output["mime"], size(output["size_bytes"])]
    if output["width"]:
        facts.insert(0, f"{output['width']}×{output['height']} pixels")
    if output["duration_s"]:
        facts.insert(0, seconds(output["duration_s"]))
    return " · ".join(facts)


def thumbnail(output: Document) -> str | None:
    """A small picture as a data URI; none of what is no picture, or is none that can be read."""
    is_picture = output["asset"] and output["mime"].startswith("image/")
    return _thumbnail(session.who(), output["asset"]) if is_picture and output["size_bytes"] < 2e7 else None


@st.cache_data(ttl=session.MEDIA_S, max_entries=session.KEPT, show_spinner=False)
def _thumbnail(who: str, asset: str) -> str | None:
    try:
        with Image.open(BytesIO(session.media(asset))) as picture:
            small = picture.convert("RGB")
    except (UnidentifiedImageError, OSError):
        return None
    side = min(small.size)
    left, top = (small.width - side) // 2, (small.height - side) // 2
    drawn = BytesIO()
    small.crop((left, top, left + side, top + side)).resize((THUMB_PX, THUMB_PX)).save(drawn, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(drawn.getvalue()).decode()


def picture_asked(told: str) -> str | None:
    """The asset to start from: one that the address names, or one that is uploaded here and then named by it."""
    sent = st.file_uploader(
        told, KINDS, key="upload", max_upload_size=UPLOAD_MB, help="It is kept with the gateway, for your key alone."
    )
    if sent is not None:
        kept = st.session_state.setdefault(UPLOADED, {})
        if sent.file_id not in kept:
            try:
                kept[sent.file_id] = session.podium().upload(sent.getvalue(), sent.type or "image/png")["asset"]
            except Refused as refused:
                st.error(plain(refused.detail), icon=":material/error:")
                return None
        st.query_params["picture"] = kept[sent.file_id]
    asset = st.query_params.get("picture")
    if asset is None:
        return None
    try:
        facts = session.steady(f"/v1/assets/{asset}")
    except Refused:
        st.warning("That picture is not one of yours. Upload another.", icon=":material/broken_image:")
        return None
    with st.container(width=180):
        media_shown(asset, facts["mime"], "The picture to start from")
    return str(asset)


def cost_said(job: Document) -> None:
    """The lines of a bill as decimal text, and what they come to."""
    cost = job["cost"]
    if not cost["lines"]:
        settled = "not settled by lines" if job["ended_at"] else "settled when it has ended"
        st.caption(f"Quoted {cost['quote_usd']} USD, held {cost['held_usd']} USD; {settled}.")
        return
    told = COST_SAID.get(str(cost["source"]), cost["source"])
    st.markdown(
        f"**{cost['cost_usd']} USD**, {told}. Quoted {cost['quote_usd']} USD, held {cost['held_usd']} USD. "
        f"{job['compute_units'] or 0:,.1f} compute units."
    )
