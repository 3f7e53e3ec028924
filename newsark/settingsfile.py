"""The newsark.toml that `newsark init` writes: every setting with its default and its sentence."""

from __future__ import annotations

import json
from typing import Any

from newsark.settings import NewsarkSettings

_EXAMPLES = {
    "contact": "archive@example.org",
    "operator": "An archive, a city",
    "user_agent": "ExampleArchive/1.0 (+https://example.org/about-our-visits)",
    "catalogue": "sqlite:////var/lib/newsark/catalogue.sqlite",
    "delay_seconds": 2.0,
    "allow_hosts": ["intranet.example:8080"],
}


def commented_file(contact: str | None, operator: str | None) -> str:
    """A newsark.toml with every setting, its default and its sentence; those given are set."""
    given = {"contact": contact, "operator": operator, "archive": "./archive"}
    lines = [
        "# Newsark's settings. NEWSARK_<NAME> variables and command-line options go before this file.",
        "",
    ]
    for name, field in NewsarkSettings.model_fields.items():
        lines.append(f"# {field.description}")
        if given.get(name):
            lines.append(f"{name} = {_toml(given[name])}")
        else:
            example = _EXAMPLES.get(name, field.get_default(call_default_factory=True))
            lines.append(f"# {name} = {_toml(example)}")
        lines.append("")
    return "\n".join(lines)


def _toml(value: Any) -> str:
    # A TOML basic string is a JSON string, but for DEL, which JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
