"""A broker's listeners that ask who comes, with keys that the JDK's `keytool` makes."""

from pathlib import Path
from typing import Final

from confluent_kafka.admin import (  # type: ignore[attr-defined] # Scram… is not in its __all__
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from examples.engines.cache import run_tool, tool
from examples.engines.kafka_broker import Listener

USER: Final = "reader"
PASSWORD: Final = "no-secret-on-loopback"  # noqa: S105 - of a broker that lives for minutes
_MODULES: Final = "org.apache.kafka.common.security"
_UNSIGNED: Final = 'unsecuredLoginStringClaim_sub="broker"'
_PLAIN: Final = f'{_MODULES}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
_SCRAM: Final = f"{_MODULES}.scram.ScramLoginModule required;"
_OAUTH: Final = f"{_MODULES}.oauthbearer.OAuthBearerLoginModule required {_UNSIGNED};"


class Keys:
    """The keys of a broker and of a client, each with a certificate that it has signed itself.

    Args:
        folder: Where they are put.

    Attributes:
        broker_certificate: What a client trusts, as PEM.
        client_keystore: The client's key, as PKCS#12 under `PASSWORD`.

    Raises:
        MissingError: There is no `keytool`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.broker_certificate = self._made("broker")
        client_certificate = self._made("client")
        self.client_keystore = folder / "client.p12"
        imported = ("-importcert", "-noprompt", "-file", str(client_certificate))
        self._keytool("trusted", "client", *imported)

    def listeners(self) -> list[Listener]:
        """One of each kind."""
        tls = self._store("keystore", "broker")
        mutual = {**tls, **self._store("truststore", "trusted"), "ssl.client.auth": "required"}
        plain = {"sasl.enabled.mechanisms": "PLAIN", "plain.sasl.jaas.config": _PLAIN}
        scram = {
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "scram-sha-512.sasl.jaas.config": _SCRAM,
        }
        oauth = {"sasl.enabled.mechanisms": "OAUTHBEARER", "oauthbearer.sasl.jaas.config": _OAUTH}
        return [
            Listener("PASSWORD", "SASL_PLAINTEXT", plain),
            Listener("ENCRYPTED", "SASL_SSL", {**tls, **scram}),
            Listener("MUTUAL", "SSL", mutual),
            Listener("TOKEN", "SASL_PLAINTEXT", oauth),
        ]

    def _made(self, name: str) -> Path:
        certificate = self._folder / f"{name}.pem"
        key = ("-genkeypair", "-keyalg", "EC", "-dname", f"CN={name}", "-ext", "SAN=IP:127.0.0.1")
        self._keytool(name, name, *key)
        self._keytool(name, name, "-exportcert", "-rfc", "-file", str(certificate))
        return certificate

    def _keytool(self, store: str, alias: str, *command: str) -> None:
        kept = ("-keystore", str(self._folder / f"{store}.p12"), "-storetype", "PKCS12")
        named = ("-storepass", PASSWORD, "-alias", alias)
        run_tool([tool("keytool"), *command, *kept, *named], self._folder)

    def _store(self, kind: str, name: str) -> dict[str, str]:
        return {
            f"ssl.{kind}.location": str(self._folder / f"{name}.p12"),
            f"ssl.{kind}.password": PASSWORD,
            f"ssl.{kind}.type": "PKCS12",
        }


def add_scram_user(admin: AdminClient) -> None:
    """Gives `USER` its password, as an administrator would."""
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    change = UserScramCredentialUpsertion(USER, info, PASSWORD.encode())
    admin.alter_user_scram_credentials([change])[USER].result(30)
