"""`sweettok new`: from a folder of clips to a profile that suits them."""
