"""How people read numbers here: 5 000, on pages, in mails and in messages."""


def written(number: int) -> str:
    """With a narrow space before each three digits, at which no line breaks."""
    return f"{number:,}".replace(",", "\u202f")
