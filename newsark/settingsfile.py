"""The newsark.toml that `newsark init` writes: every setting with its default and its sentence."""

from __future__ import annotations

import json
from typing import Any

from newsark.settings import NewsarkSettings, setting_names

_EXAMPLES = {
    "contact": "archive@example.org",
    "operator": "An archive, a city",
    "user_agent": "ExampleArchive/1.0 (+https://example.org/about-our-visits)",
    "catalogue": "sqlite:////var/lib/newsark/catalogue.sqlite",
    "delay_seconds": 2.0,
    "allow_hosts": ["intranet.example:8080"],
    "replicas": ["/mnt/second-disk/newsark"],
    "copies_required": 2,
    "state": "/var/lib/newsark/state",
    "signing_key": "newsark.key",
    "serve_token": "a-long-word-that-nobody-guesses",
    "metrics": "127.0.0.1:9464",
    "log_file": "/var/log/newsark/newsark.log",
    "alert_to": ["mailto://user:password@example.org", "json://localhost:8080/hook"],
    "timestamp_url": "https://tsa.example.org/",
    "timestamp_certificates": "authority.pem",
    "endpoint_url": "https://s3.example.org",
    "region": "eu-central-1",
    "profile": "newsark",
    "storage_class": "STANDARD_IA",
    "server_side_encryption": "aws:kms",
    "kms_key_id": "alias/newsark",
    "object_lock_mode": "GOVERNANCE",
    "object_lock_days": 365,
}


def commented_file(contact: str | None, operator: str | None, signing_key: str | None = None) -> str:
    """A newsark.toml with every setting, its default and its sentence; those given are set."""
    given = {"contact": contact, "operator": operator, "archive": "./archive", "signing_key": signing_key}
    lines = [
        "# Newsark's settings. NEWSARK_<NAME> variables and command-line options go before this file.",
        "",
    ]
    for name in setting_names():
        field = NewsarkSettings.model_fields[name]
        lines.append(f"# {field.description}")
        if given.get(name):
            lines.append(f"{name} = {_toml(given[name])}")
        else:
            example = _EXAMPLES.get(name, field.get_default(call_default_factory=True))
            lines.append(f"# {name} = {_toml(example)}")
        lines.append("")
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    # A TOML basic string is a JSON string, but for DEL, which JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
