"""Taking secrets out of what a client says: the same secret becomes the same word everywhere in a recording."""

import re
from collections.abc import Mapping
from typing import Any

SECRET_FIELDS = re.compile(
    r"account_?id|secu_?account|fund_?account|share_?holder|holder_?name|client_?name|user_?name|pass_?w|token|"
    r"identity|id_?card|phone|mobile|mac_?addr|ip_?addr",
    re.IGNORECASE,
)
"""Names of fields whose values say who somebody is; the vendor's own begin with m_str (notes §3.1)."""
FOLDER_OF_A_USER = re.compile(
    r"((?:[A-Za-z]:)?[\\/](?:Users|Documents and Settings|home)[\\/])([^\\/\"']+)", re.IGNORECASE
)
SHORTEST = 4
"""Shorter values are left alone inside of texts: they would be found in prices and times."""


class Mask:
    """Learns secrets as they come by, and replaces them."""

    def __init__(self, account: str) -> None:
        self._words: dict[str, str] = {}
        self.learn("account", account)

    def learn(self, kind: str, value: object) -> str:
        """Return the word for a secret, a new one the first time."""
        text = str(value).strip()
        if not text:
            return ""
        if text not in self._words:
            number = 1 + sum(1 for word in self._words.values() if word.startswith(f"<{kind}-"))
            self._words[text] = f"<{kind}-{number}>"
        return self._words[text]

    def clean(self, value: Any, field: str = "") -> Any:
        """Return a value without secrets, fields and all that is inside of them."""
        if isinstance(value, Mapping):
            return {self.text(str(name)): self.clean(inner, str(name)) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.clean(inner, field) for inner in value]
        if SECRET_FIELDS.search(field) and isinstance(value, str | int) and not isinstance(value, bool):
            return self._secret(field, value)
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int) and not isinstance(value, bool) and str(value) in self._words:
            return self._words[str(value)]
        return value

    def _secret(self, field: str, value: str | int) -> str:
        known = self._words.get(str(value).strip())
        if known is not None or not str(value).strip():
            return known or ""
        lower = field.lower()
        return self.learn("account" if "account" in lower and "secu" not in lower else "secret", value)

    def text(self, text: str) -> str:
        """Return a text with every known secret and the names of people's folders replaced."""
        for secret in sorted(self._words, key=len, reverse=True):
            if len(secret) >= SHORTEST:
                text = text.replace(secret, self._words[secret])
        return FOLDER_OF_A_USER.sub(lambda found: found[1] + self.learn("user", found[2]), text)
