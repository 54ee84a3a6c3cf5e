module subsidy-ledger/verifier

go 1.24
