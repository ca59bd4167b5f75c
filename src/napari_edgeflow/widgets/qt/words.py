"""Words that many docks say."""


def counted(number: int, what: str) -> str:
    """Return "1 image" or "2 images"."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
