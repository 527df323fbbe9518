-- The balance of a place; see energy.balance.
SELECT start, import, export, generation, storage, consumption, children, residual, residual_known, known, fault
FROM energy.balance(:point, :since, :until, :by, :now)
