"""Viatom "OxyII" rings: O2Ring-S and its kin, a protocol of its own."""
