"""The broker's certificate and the authority of its own that signs it; devices trust `ca.crt`."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ops.secrets.folder import HIDDEN, Folder

CA_CERTIFICATE, CA_KEY = "ca.crt", "ca.key"
CERTIFICATE, KEY = "mosquitto.crt", "mosquitto.key"
CA_LIFE, LIFE = timedelta(days=3650), timedelta(days=825)
RENEW_BEFORE: Final = LIFE / 3
ALWAYS: Final = ("mosquitto", "localhost", "127.0.0.1")
"""Names that the broker has inside the stack; others are what devices call it."""

_SKEW = timedelta(hours=1)
"""Certificates hold from an hour ago: devices' clocks may be behind."""


def make_authority(folder: Folder) -> None:
    """Make the authority: its key and its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "smart-compound")])
    certificate = (
        _builder(name, name, key.public_key(), CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.write(CA_KEY, _pem(key), HIDDEN)
    folder.write(CA_CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM).decode())


def make_certificate(folder: Folder, hosts: Iterable[str]) -> None:
    """Make the broker's key and certificate for `hosts` (names or addresses), signed by the folder's authority.

    Raises ValueError for a host that is neither.
    """
    authority = x509.load_pem_x509_certificate(folder.read(CA_CERTIFICATE).encode())
    signer = serialization.load_pem_private_key(folder.read(CA_KEY).encode(), password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    names = [_general_name(host) for host in dict.fromkeys((*ALWAYS, *hosts))]
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mosquitto")])
    certificate = (
        _builder(name, authority.subject, key.public_key(), LIFE)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    folder.write(KEY, _pem(key))
    folder.write(CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM).decode())


def certified(folder: Folder) -> tuple[list[str], datetime]:
    """The hosts that the broker's certificate names, and the end of its life (UTC). Raises SettingsError without one."""
    certificate = x509.load_pem_x509_certificate(folder.read(CERTIFICATE).encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names], certificate.not_valid_after_utc


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + life)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
