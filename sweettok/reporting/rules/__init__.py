"""What each kind of claim measures: results and a claim's test -> a primary difference. The rules in words: reporting/claims.yaml."""
