"""`podium loras`: the LoRAs that loras.yaml names, and who can take each; read from the catalog, no server needed."""

from typing import Any

from rich.console import Console

from gateway.catalog.lora_routes import lora_view
from gateway.catalog.supply import read_supply
from gateway.commands.terminal import show, table
from gateway.settings import settings

NONE = "no LoRA has a name here: loras.yaml in PODIUM_CATALOG_DIR gives them names (docs/engines.md)"


def loras(as_json: bool) -> None:
    """All of them; one that no offer here can take is drawn dim."""
    supply = read_supply(settings())
    rows = [lora_view(each, supply) for _, each in sorted(supply.loras.named.items())]
    show({"data": rows}, as_json, lambda console: _draw(console, rows))


def _draw(console: Console, rows: list[dict[str, Any]]) -> None:
    if not rows:
        console.print(NONE)
        return
    drawn = table("lora", "for", "scale", "triggers", "offers", keep="lora")
    for row in rows:
        name = row["id"] if row["available"] else f"[dim]{row['id']}[/]"
        told = (
            name,
            ", ".join(row["models"]),
            f"{row['scale']:g}",
            ", ".join(row["triggers"]),
            ", ".join(row["offers"]),
        )
        drawn.add_row(*told)
    console.print(drawn)
