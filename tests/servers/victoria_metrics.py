"""VictoriaMetrics (Debian's package victoria-metrics): takes the v2 write path, floats only, no InfluxQL."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request

from tests.servers import require
from tests.servers.influxdb import http_status
from tests.servers.process import ServerProcess


class VictoriaMetricsServer(ServerProcess):
    """A running victoria-metrics that keeps everything for 100 years."""

    def __init__(self) -> None:
        program = require("victoria-metrics", "victoria-metrics")
        super().__init__("victoria-metrics")
        self._command = [
            program,
            f"-httpListenAddr={self.host}:{self.port}",
            f"-storageDataPath={self.folder / 'data'}",
            "-retentionPeriod=100y",
            "-influxSkipSingleField=false",
            "-search.latencyOffset=0s",
            "-loggerLevel=WARN",
            "-memory.allowedBytes=256MB",
        ]

    @property
    def url(self) -> str:
        """Its HTTP address."""
        return f"http://{self.host}:{self.port}"

    def command(self) -> list[str]:
        return self._command

    def is_ready(self) -> bool:
        return http_status(f"{self.url}/health") == 200

    def export(self, match: str) -> list[dict[str, object]]:
        """Every series that a selector matches, with `metric`, `values` and `timestamps` (ms), flushed first."""
        with urllib.request.urlopen(f"{self.url}/internal/force_flush", timeout=10):
            pass
        query = urllib.parse.urlencode({"match[]": match})
        with urllib.request.urlopen(f"{self.url}/api/v1/export?{query}", timeout=10) as response:
            return [json.loads(line) for line in response.read().splitlines()]
