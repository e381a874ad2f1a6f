-- A copy of a database never writes to customers.
UPDATE res_company SET credit_mode = 'simulate' WHERE credit_mode IN ('live', 'redirect');
