"""Oximetry biomarkers of a night, under the names of the PhysioZoo toolbox; run when the night closes.

The list with units is `catalogue.BIOMARKERS`; `night_biomarkers` computes all of it. Definitions follow J. Levy et
al., npj Digital Medicine 4:1 (2021); each module says where this project differs from the toolbox that came with it,
and why.
"""

from analytics.oximetry.biomarkers.catalogue import BIOMARKERS, Biomarker
from analytics.oximetry.biomarkers.night import biomarker_signal, night_biomarkers

__all__ = ["BIOMARKERS", "Biomarker", "biomarker_signal", "night_biomarkers"]
