"""InfluxDB 1.x (Debian's package influxdb: 1.6.7), with reporting off."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request

from tests.servers import require
from tests.servers.process import ServerProcess, free_port

_CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc_port}"
[meta]
  dir = "{folder}/meta"
  logging-enabled = false
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  index-version = "tsi1"
  query-log-enabled = false
[monitor]
  store-enabled = false
[continuous_queries]
  enabled = false
[http]
  enabled = true
  bind-address = "127.0.0.1:{port}"
  auth-enabled = {auth}
  log-enabled = false
"""


class InfluxServer(ServerProcess):
    """A running influxd.

    Parameters
    ----------
    auth : bool
        Ask every request for a user; the first one is made by `CREATE USER ... WITH ALL PRIVILEGES`.
    """

    def __init__(self, *, auth: bool = False) -> None:
        program = require("influxd", "influxdb")
        super().__init__("influxdb")
        self._command = [program, "-config", str(self.folder / "influxdb.conf")]
        text = _CONFIG.format(folder=self.folder, port=self.port, rpc_port=free_port(), auth=str(auth).lower())
        (self.folder / "influxdb.conf").write_text(text)

    @property
    def url(self) -> str:
        """Its HTTP address."""
        return f"http://{self.host}:{self.port}"

    def command(self) -> list[str]:
        return self._command

    def is_ready(self) -> bool:
        return http_status(f"{self.url}/ping") == 204

    def execute(self, statement: str, database: str = "") -> str:
        """Run InfluxQL; the answer's JSON text."""
        fields = urllib.parse.urlencode({"q": statement, "db": database, "epoch": "ms"}).encode()
        with urllib.request.urlopen(f"{self.url}/query", fields, timeout=10) as response:
            text: str = response.read().decode()
            return text


def http_status(url: str) -> int:
    """The status of a GET; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            status: int = response.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
