"""The clinic side: ingest, store, records, API, pages, exchange."""
