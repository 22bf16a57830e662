"""The ways in which a call can prove where it comes from."""

from enum import StrEnum


class Scheme(StrEnum):
    STANDARD = "standard"
    STANDARD_ED25519 = "standard-ed25519"
    RSA_SHA256 = "rsa-sha256"
    RSA_SHA1 = "rsa-sha1"
    HMAC_SHA512_HEX = "hmac-sha512-hex"
    HMAC_SHA256_HEX = "hmac-sha256-hex"
    NONE = "none"

    @property
    def is_standard(self) -> bool:
        """Its header is fixed, and takes a signature of each key beside another."""
        return self in (Scheme.STANDARD, Scheme.STANDARD_ED25519)

    @property
    def is_rsa(self) -> bool:
        return self in (Scheme.RSA_SHA256, Scheme.RSA_SHA1)

    @property
    def shares_secret(self) -> bool:
        """The receiver holds the very key; of the others, only its public half."""
        return self in (
            Scheme.STANDARD,
            Scheme.HMAC_SHA512_HEX,
            Scheme.HMAC_SHA256_HEX,
        )

    @property
    def usual_header(self) -> str:
        if self.is_standard:
            return "webhook-signature"
        if self.is_rsa:
            return "X-DI-Signature"
        return "" if self is Scheme.NONE else "X-Signature"

    @property
    def names_header(self) -> bool:
        """May a webhook give the header a name of its own?"""
        return not self.is_standard and self is not Scheme.NONE
