"""What each image brings, natively: its programs, its environment, and what its own start does before the command."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ops.embedded.process import ServiceError
from tests.services import trixie
from tests.services.docker import KAFKA_IMAGE, MOSQUITTO_IMAGE, TIMESCALE_IMAGE
from tests.services.kafka_node import JARS
from tests.services.mqtt import mosquitto_program
from tests.stack.compose import ROOT

DOCKERFILE: Final = ROOT / "Dockerfile"
SYSTEM: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Native:
    """`start`: the arguments before the command. `binds`: folder of this machine -> path inside, read-only."""

    root: Path
    start: tuple[str, ...]
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: {"PATH": SYSTEM})
    binds: Mapping[Path, str] = field(default_factory=dict)


def native(image: str) -> Native:
    """How `image` runs here. ServiceError when it doesn't, or what it needs isn't fetched."""
    name = image.split(":")[0]
    if name not in _IMAGES:
        raise ServiceError(f"{image} has no program of its own on this machine.")
    return _IMAGES[name]()


def runs_here(image: str) -> bool:
    """Whether `image` has a native counterpart; Grafana has none in Debian."""
    return image.split(":")[0] in _IMAGES


def _ours() -> Native:
    """The environment of this checkout for /opt/compound; ENTRYPOINT and ENV are the Dockerfile's."""
    last = DOCKERFILE.read_text().split("\nFROM ")[-1]
    entrypoint = re.search(r'^ENTRYPOINT \["(.+)"\]$', last, re.MULTILINE)
    env = re.search(r"^ENV (.+)$", last, re.MULTILINE)
    assert entrypoint, "the Dockerfile names an ENTRYPOINT"
    assert env, "the Dockerfile names an ENV"
    said = dict(pair.split("=", 1) for pair in env[1].split())
    path = said["PATH"].replace("/opt/compound", sys.prefix).replace("$PATH", SYSTEM)
    return Native(
        Path("/"),
        (entrypoint[1],),
        environment={**said, "PATH": path},
        binds={folder: str(folder) for folder in dict.fromkeys((Path(sys.base_prefix), Path(sys.prefix), ROOT))},
    )


def _mosquitto() -> Native:
    """Debian's, at the path that the command names. The image's start only hands over to it."""
    if mosquitto_program() != "/usr/sbin/mosquitto":
        raise ServiceError("Mosquitto is not at /usr/sbin/mosquitto, where its image has it.")
    return Native(Path("/"), ())


_KAFKA_START = """
set -e
mkdir -p /opt/kafka/config
cp -R /mnt/shared/config/. /opt/kafka/config/
config=/opt/kafka/config/server.properties
run="java $KAFKA_HEAP_OPTS -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp /opt/kafka/libs/*"
set -f
[ -e /var/lib/kafka/data/meta.properties ] || $run kafka.tools.StorageTool format --cluster-id="$CLUSTER_ID" -c $config
exec $run kafka.Kafka $config
"""


def _kafka() -> Native:
    """The jars of the tests. Its start takes the mounted configuration and formats the data folder once."""
    if not (JARS / "complete").exists() or shutil.which("java") is None:
        raise ServiceError("Apache Kafka's jars or Java are not there; run `make services`.")
    return Native(Path("/"), ("sh", "-c", _KAFKA_START), binds={JARS.resolve(): "/opt/kafka/libs"})


_POSTGRES_START = """
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb -D "$PGDATA" --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" $POSTGRES_INITDB_ARGS
  printf '\\nhost all all all scram-sha-256\\n' >> "$PGDATA/pg_hba.conf"
  "$@" -clisten_addresses= &
  until pg_isready -q; do kill -0 $!; sleep 0.1; done
  psql="psql -q -v ON_ERROR_STOP=1 -U $POSTGRES_USER"
  $psql -d postgres -c "CREATE DATABASE $POSTGRES_DB"
  for database in postgres template1 "$POSTGRES_DB"; do $psql -d $database -c 'CREATE EXTENSION timescaledb'; done
  kill -INT $!
  wait $!
fi
exec "$@" '-clisten_addresses=*'
"""


def _timescaledb() -> Native:
    """Debian 13's, the Apache edition. The image's start makes the data folder, the database and its extension."""
    programs = trixie.programs()
    inside = f"/{programs.relative_to(trixie.FOLDER)}"
    return Native(
        trixie.FOLDER.resolve(),
        ("bash", "-c", _POSTGRES_START, "start"),
        environment={"PATH": f"{inside}:{SYSTEM}", "PGDATA": "/var/lib/postgresql/data", "LC_ALL": "C.UTF-8"},
    )


_IMAGES: Final[Mapping[str, Callable[[], Native]]] = {
    "smart-compound": _ours,
    MOSQUITTO_IMAGE.split(":")[0]: _mosquitto,
    KAFKA_IMAGE.split(":")[0]: _kafka,
    TIMESCALE_IMAGE.split(":")[0]: _timescaledb,
}
