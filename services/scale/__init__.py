"""A province's history on more than one machine: the domain's own functions over the columnar export."""
