"""Links to our own assets told from everybody else's: an asset that is ours is taken as such, not fetched. Pure."""

import re

_CONTENT = re.compile(r"/v1/assets/(ast_[0-9a-f]{32})/content")
_FILE = re.compile(r"/replicate/v1/files/(ast_[0-9a-f]{32})(?:/download)?")
_IN_PARTS = re.compile(r"/fal/files/(ast_[0-9a-f]{32})\.\d{1,12}\.[0-9a-f]{64}")


def asset_of(link: str, addresses: tuple[str, ...]) -> str | None:
    """The asset behind a link, if it is a link to one of ours under an address of this gateway ("http://host/")."""
    for address in addresses:
        path = link.removeprefix(address.rstrip("/")).partition("?")[0]
        if path == link.partition("?")[0]:
            continue
        if found := _CONTENT.fullmatch(path) or _FILE.fullmatch(path) or _IN_PARTS.fullmatch(path):
            return found[1]
    return None
