"""One module a step; `down_revision` says which step came before."""
