"""How fast the box office sells, measured (`make bench`). Nothing of the product imports this."""
