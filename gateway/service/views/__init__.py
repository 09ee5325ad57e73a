"""What a page shows, put together: plain functions of records, store and who asks, for the API and the pages alike.

No HTTP and no page stands here. Whoever calls has passed the gate; what a list shows is cut to what the caller sees.
"""
