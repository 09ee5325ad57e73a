"""somnolink: the programs beside the bed and in the clinic, and what they agree on."""
