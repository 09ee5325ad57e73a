#!/bin/bash
# Run once by InfluxDB's image at its first start: reads are InfluxQL, which finds a bucket by its DBRP mapping.
set -eu
influx v1 dbrp create --db "$DOCKER_INFLUXDB_INIT_BUCKET" --rp autogen --default --bucket-id "$DOCKER_INFLUXDB_INIT_BUCKET_ID"
