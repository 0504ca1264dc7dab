"""Texts of bounded length. Pure."""

CUT = " … (cut)"


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` bytes of UTF-8, with a mark where something is missing; NUL made visible."""
    raw = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace")
    if len(raw) <= limit:
        return raw.decode()
    return raw[: limit - len(CUT.encode())].decode(errors="ignore") + CUT
