"""Applications as Git describes them: their own manifests, and what ApplicationSets generate."""
