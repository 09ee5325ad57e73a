#!/bin/bash
# Run once by InfluxDB's image at its first start: Grafana gets a user of its own, which may read the samples only.
set -eu
influx v1 auth create --org "$DOCKER_INFLUXDB_INIT_ORG" --username grafana \
  --password "$(cat /run/secrets/grafana-influx-password)" --read-bucket "$DOCKER_INFLUXDB_INIT_BUCKET_ID"
