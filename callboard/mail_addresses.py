import re

LONGEST = 254

_WORD = r"[^@\s\x00-\x1f\x7f,;:<>()\"\\]+"  # nothing that ends an address in a mail
_LABEL = _WORD.replace("[^", "[^.")
_ADDRESS = re.compile(rf"{_WORD}@{_LABEL}(\.{_LABEL})*")


def is_mail_address(text: str) -> bool:
    return len(text) <= LONGEST and bool(_ADDRESS.fullmatch(text))
