"""How people read numbers here: 5 000, on pages, in mails and in messages."""

MOST_COUNTED = 100_000


def written(number: int) -> str:
    """With a narrow space before each three digits, at which no line breaks."""
    return f"{number:,}".replace(",", "\u202f")


def counted(number: int) -> str:
    """Of what is counted no further than to MOST_COUNTED and one more."""
    if number > MOST_COUNTED:
        return f"more than {written(MOST_COUNTED)}"
    return written(number)
