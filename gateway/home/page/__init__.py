"""The gateway's own page in the home: how it is, in plain words. Nothing can be changed there."""
