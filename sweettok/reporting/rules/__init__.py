"""How each kind of claim is decided: results and a claim's test -> a ruling. The rules in words: ../claims.yaml."""
