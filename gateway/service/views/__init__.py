"""What a page shows, put together: plain functions from records and samples to values, for the API and the pages alike.

Each asks the access rules itself, so that no way in can forget to.
"""
