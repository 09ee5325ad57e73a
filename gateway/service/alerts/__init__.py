"""Alerts at work: rules held against what arrives, timers, and the ways out of the feed.

``home_time`` (what time it is by the data) and ``directory`` (whose device it is, by which thresholds) serve ``watch``
(samples, contacts, gateways) and ``patients`` (nights); ``engine`` is all of that as the ingest sees it. ``mqtt_feed``,
``stream`` and ``webhooks`` carry what was committed to those who listen.
"""
